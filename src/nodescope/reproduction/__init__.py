"""The scorecard: what the published works print and claim, beside what a study measured.

- `published`: the printed numbers, which come with the package.
- `scorecard`: each of them beside ours, with the difference in standard errors.
- `claims`: each claim judged by a function of the collected tables.
- `differences`: in what the study departs from the published protocol, told by its settings.
- `scoring`: all of it for one study.
"""
