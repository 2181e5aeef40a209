"""Find images of probe persons among the distractors, or training identities that a test set has too."""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from insightrec.deploy.embedder_device import GPU_HELP, open_embedder
from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.pair_distance import normalized
from insightrec.megaface.best_matches import BLOCK, best_matches, identity_centers, in_blocks
from insightrec.megaface.duplicate_report import (
    Duplicate,
    PictureSource,
    candidate_list,
    candidate_page,
    candidate_table,
)
from insightrec.megaface.feature_source import open_source
from insightrec.megaface.file_ending import ending
from insightrec.megaface.image_folder import picture_in
from insightrec.megaface.packed_store import store_files, store_path
from insightrec.megaface.template_list import read_template_list
from insightrec.megaface.training_centers import training_centers, training_identities
from insightrec.recordio_tools.atomic_file import AtomicFileSet, refuse_existing
from insightrec.recordio_tools.command_line import list_skipped, number_between, tool, whole_number
from insightrec.recordio_tools.errors import FeatureError, InputError, OutputError
from insightrec.recordio_tools.verification_pack import read_pack

SAME_PERSON, NEAR_IDENTICAL = "same-person", "near-identical"
PUBLISHED_RULE = 0.4  # InsightFace's usage rule of its noise lists: no training identity whose centre is nearer


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="find_duplicates.py",
        description=f"{__doc__} Writes OUTPUT, a list with 'cosine<TAB>name' a line in the form of the noise lists, "
        "OUTPUT.csv with the counterpart of each, and with --report OUTPUT.html to look at. What is found are "
        "candidates: a person decides, and deletes lines. Features of both sides must come from the same model.",
    )
    add = parser.add_argument
    searched = parser.add_argument_group("what is searched (one of the two)")
    searched.add_argument("--features", help="the distractors: folder of feature files, or a packed store")
    searched.add_argument("--list", help="their JSON list (default: that of the packed store)")
    searched.add_argument(
        "--train-set",
        help="a training set: folder with train.rec, a .rec file, or a folder of aligned identity folders; its "
        "identities are named by label, or by folder, as face2rec.py --exclude takes them",
    )
    searched.add_argument(
        "--images-per-identity",
        type=whole_number(1),
        default=10,
        help="images that make the centre of a training identity, evenly spread (default: 10)",
    )
    against = parser.add_argument_group("what it is compared with (one of the two)")
    against.add_argument("--probe-features", help="the probes: folder of feature files, or a packed store")
    against.add_argument("--probe-list", help="their JSON list, with the person of each (default: the packed store's)")
    against.add_argument("--pack", help="a verification pack (.bin); each of its images is a person of its own")
    add("--file-ending", type=ending, help="what feature files have after the image's path, such as _insightface.bin")
    add("--model", help="'prefix,epoch' or an .onnx file, for --train-set and --pack")
    add("--gpu", type=whole_number(-1), help=GPU_HELP)
    add("--threads", type=whole_number(1), help="threads of ONNX Runtime (default: its own choice, all cores)")
    add(
        "--same-person",
        type=number_between(-1, 1),
        default=PUBLISHED_RULE,
        help=f"least cosine with a person's centre, -1..1 (default: {PUBLISHED_RULE}, the rule that InsightFace "
        "publishes for training identities; for single images look at the page and raise it)",
    )
    add(
        "--near-identical",
        type=number_between(-1, 1),
        default=0.9,
        help="least cosine of two images, of distractors only, -1..1 (default: 0.9)",
    )
    add("--output", required=True, help="file to write the list to")
    add("--report", action="store_true", help="write the page too (default: no)")
    add("--images", help="folder of the distractors' aligned images, for the page")
    add("--probe-images", help="folder of the probes' aligned images, for the page")
    add("--overwrite", action="store_true", help="replace existing files (default: refuse)")
    args = parser.parse_args(argv)
    if (args.features is None) == (args.train_set is None):
        parser.error("give either --features or --train-set")
    if (args.probe_features is None) == (args.pack is None):
        parser.error("give either --probe-features or --pack")
    if (args.train_set or args.pack) and not args.model:
        parser.error("--train-set and --pack need a --model to embed their images")
    return args


@tool
def main(argv=None):
    """Search, and write what was found."""
    args = parse(argv)
    output = Path(args.output)
    if output.is_dir():
        raise OutputError(f"{output}: expected the name of a file to write, found a folder; add a name to it")
    for folder in (args.images, args.probe_images):
        if folder and not Path(folder).is_dir():
            raise InputError(f"{folder}: expected a folder of aligned images, found none; check the path")
    paths = [Path(f"{output}{suffix}") for suffix in ("", ".csv", ".html")[: 3 if args.report else 2]]
    refuse_existing(paths, args.overwrite)
    embedder = open_embedder(args.model, gpu=args.gpu, threads=args.threads) if args.model else None
    probes = Pack(args.pack, embedder) if args.pack else Probes(args)
    found = search_training_set(args, probes, embedder) if args.train_set else search_images(args, probes)
    duplicates, picture_of_name = found
    comment = f"{probes.name}: cosine >= {args.same_person:g} with a person; look at each before use"
    contents = [candidate_list(duplicates, comment), candidate_table(duplicates)]
    if args.report:
        pictures = PictureSource(picture_of_name, probes.picture)
        note = f"Compared with {probes.name}. Left the candidate, right its counterpart; the number is their cosine."
        contents.append(candidate_page(duplicates, f"Duplicates in {args.features or args.train_set}", note, pictures))
    with AtomicFileSet(paths, overwrite=args.overwrite) as files:
        for file, content in zip(files, contents):
            file.write(content)
    for kind in (SAME_PERSON, NEAR_IDENTICAL):
        print(f"{kind:15}{sum(duplicate.kind == kind for duplicate in duplicates):8}")
    print(f"wrote {', '.join(map(str, paths))}")


class Probes:
    """Probe images by their features and list: persons by their centres."""

    def __init__(self, args):
        self._folder = args.probe_images
        source, ids = open_listed(args.probe_features, args.probe_list, args.file_ending)
        if ids is None:
            raise FeatureError(f"{args.probe_features}: expected the person of each probe; give --probe-list with ids")
        self.name = args.probe_list or args.probe_features
        features = source.read(0, len(source))
        self.persons, self.centers = identity_centers([features], ids)
        self.images, self.features = source.paths, normalized(features)
        self._first_of = dict(zip(reversed(ids), reversed(source.paths)))

    def picture(self, name):
        """A picture of a person, or an image, if the folder has it."""
        return picture_in(self._folder, self._first_of.get(name, name))


class Pack:
    """The images of a verification pack, each a person of its own."""

    def __init__(self, path, embedder):
        self.name = path
        pack = read_pack(path)
        encoded, _ = pack.distinct()
        self._encoded = {f"image {place}": image for place, image in enumerate(encoded)}
        self.images = self.persons = list(self._encoded)
        embeddings = embed_pack(embedder, pack, path)
        self.features = self.centers = normalized(embeddings.original.astype(np.float64) + embeddings.mirrored)

    def picture(self, name):
        """A picture of the pack by its name."""
        return self._encoded[name]


def search_images(args, probes):
    """Images that resemble a person or an image of the probes: ``(duplicates, function that gives a picture)``."""
    source, _ = open_listed(args.features, args.list, args.file_ending)
    source.check()
    check_dimension(args.features, source.dimension, probes)
    searches = [(probes.centers, args.same_person), (probes.features, args.near_identical)]
    kinds = [(SAME_PERSON, probes.persons), (NEAR_IDENTICAL, probes.images)]
    blocks = tqdm(in_blocks(source), total=-(-len(source) // BLOCK), unit="block", disable=None)
    duplicates = []
    for search, match in best_matches(searches, blocks):
        kind, names = kinds[search]
        duplicates.append(Duplicate(source.paths[match.row], names[match.counterpart], kind, match.cosine))
    return duplicates, lambda name: picture_in(args.images, name)


def search_training_set(args, probes, embedder):
    """Identities whose centre is near a person's: ``(duplicates, function that gives a picture)``."""
    identities = training_identities(args.train_set)
    check_dimension(args.train_set, embedder.embedding_size, probes)
    centers, skipped = training_centers(identities, embedder, args.images_per_identity)
    list_skipped(skipped, "image")
    blocks = (centers[start : start + BLOCK] for start in range(0, len(centers), BLOCK))
    duplicates = [
        Duplicate(identities[match.row].name, probes.persons[match.counterpart], SAME_PERSON, match.cosine)
        for _, match in best_matches([(probes.centers, args.same_person)], blocks)
    ]
    by_name = {identity.name: identity for identity in identities}
    return duplicates, lambda name: by_name[name].read(0)[0]


def open_listed(location, list_path, file_ending):
    """``(source, ids)`` of features and their list; ``ids`` is None where the list names no persons.

    Raises:
        FeatureError, ListError: a list or features are missing.
    """
    if list_path is None:
        if Path(location).is_dir():
            raise FeatureError(f"{location}: expected a JSON list of its images, none was given; give the list too")
        list_path = store_files(store_path(location))[1]
    templates = read_template_list(list_path)
    return open_source(location, templates.paths, file_ending), templates.ids


def check_dimension(name, dimension, probes):
    """Raise `FeatureError` where features have another dimension than the probes'."""
    if dimension != probes.centers.shape[1]:
        raise FeatureError(
            f"{name}: expected features of {probes.centers.shape[1]} numbers as {probes.name} has, found {dimension}; "
            "make both with the same model"
        )


if __name__ == "__main__":
    main()
