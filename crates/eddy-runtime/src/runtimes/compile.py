import compileall
import os
import py_compile
import sys
import threading

# Standard input ends with whoever started this.
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
os.umask(0o022)
compileall.compile_dir(sys.argv[1], ddir='/var/runtime', quiet=2,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
