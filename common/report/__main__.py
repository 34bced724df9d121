from common.errors import open_streams, quiet_end_of_reading
from common.report import main

open_streams()
with quiet_end_of_reading():
    main()
