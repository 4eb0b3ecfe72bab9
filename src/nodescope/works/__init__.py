"""The scorecard: what the published works that a study names print and claim, beside what the study measured.

- `works`: the works, and what each speaks of.
- `published`: the printed numbers, which come with the package.
- `scorecard`: each of them beside ours, with the t interval of the difference.
- `claims`: each claim judged by a function of the collected tables.
- `differences`: in what the study departs from the published protocol, told by its settings.
- `scoring`: all of it for one study.
"""
