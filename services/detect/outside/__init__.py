"""外部线索: from grid, stations, spots, drones, gates, videos and complaints to ranked places.

Pure: records in, signs, places and candidates out. The shell reads and writes them
(`outside_store.py`, `app/judge_outside.py`, `outside_door.py`).
"""
