"""造假手法库: what is done to honest series, one function a cheat; `cheats.csv` lists them."""
