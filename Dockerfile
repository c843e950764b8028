# cartoonize in a container, for machines without an NVIDIA GPU:
#
#     docker build -t cartoonize .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD":/work cartoonize video holiday.mp4 cartoon.mp4
#
# For NVIDIA GPUs, PyTorch from PyPI includes CUDA; the image is several gigabytes larger then:
#
#     docker build -t cartoonize --build-arg TORCH_INDEX=https://pypi.org/simple .
#     docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD":/work cartoonize video holiday.mp4 cartoon.mp4
#
# The page for browsers, for this computer only:
#
#     docker run --rm -p 127.0.0.1:7860:7860 cartoonize web --host 0.0.0.0
FROM python:3.12-slim

# OpenCV's wheel needs these two libraries, which the slim image lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY cartoonize cartoonize
COPY training training
COPY export export
COPY docs/credits docs/credits
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -c constraints.txt . && rm -rf /src

WORKDIR /work
ENTRYPOINT ["cartoonize"]
CMD ["--help"]
