"""What every net's workload repeats."""


def training_step(optimizer, loss_fn):
    def step():
        loss = loss_fn()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
