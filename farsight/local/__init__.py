"""The whole platform on one machine (单机运行).

The servers, the services and the demo run as programs of one supervisord, whose configuration is
generated into the data folder. `processes.py` is the table of what runs, `environment.py` the one
place where settings are made, `ports.py` the one place where ports are chosen.
"""
