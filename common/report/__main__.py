from common.errors import patient_stdout
from common.report import main

with patient_stdout():
    main()
