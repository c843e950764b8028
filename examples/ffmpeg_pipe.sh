#!/usr/bin/env bash
# Decode with the ffmpeg program, convert, and encode with the ffmpeg program, without files in between.
#
#     bash ffmpeg_pipe.sh INPUT OUTPUT [OPTIONS OF cartoonize video]
#
# Use it for filters and encoders that only your ffmpeg has: replace `-c copy` and `-c:v libx264` as you need.
# `-fps_mode passthrough` (ffmpeg 5.1 or newer) keeps the time of each frame, and repeats none.
set -euo pipefail

input=$1 output=$2
shift 2
ffmpeg -v error -i "$input" -map 0:v:0 -map '0:a?' -c copy -f matroska - \
    | cartoonize video - - --format matroska --codec ffv1 "$@" \
    | ffmpeg -v error -y -i - -map 0 -fps_mode passthrough -c:v libx264 -crf 20 -pix_fmt yuv420p -c:a copy "$output"
