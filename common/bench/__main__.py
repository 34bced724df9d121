from common.bench import main

main()
