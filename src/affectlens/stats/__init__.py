"""Statistics: scores of classifiers, intervals, permutation tests, corrections, tests of independence."""
