from common.report import main

main()
