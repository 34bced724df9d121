from common.errors import quiet_end_of_reading, replace_unprintable
from common.report import main

replace_unprintable()
with quiet_end_of_reading():
    main()
