"""What every net's workload repeats."""


def training_step(optimizer, loss_fn):
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def step():
        for parameter in parameters:  # as in common.training.loop
            parameter.grad = None
        loss = loss_fn()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
