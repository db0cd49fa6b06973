"""一张图: pictures of monitored values as SVG and PNG: same values, same bytes (ADR 0023).

Pure but for the fonts that `png` asks the machine for. Offline pages, the console and referral
bundles draw with the same function.
"""
