"""Figures as ratios against a raw baseline of the same run; `make bench` prints and stores them."""
