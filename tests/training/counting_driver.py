"""A driver that counts how often the data is put into Ray's object store, and on how many nodes it is."""

import json
import sys

import ray
import ray.experimental

from study import Study
from study.training.study_data import StudyData

_put = ray.put
_refs = []


def _counted(value: object, **options: object) -> object:
    ref = _put(value, **options)
    if isinstance(value, list) and any(isinstance(one, StudyData) for one in value):
        _refs.append(ref)
    return ref


def main(file: str, out: str, address: str) -> None:
    ray.put = _counted
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    Study.run(file, out=out, address=address)
    places = ray.experimental.get_object_locations(_refs)
    print(json.dumps([[places[ref]["object_size"], len(places[ref]["node_ids"])] for ref in _refs]))


if __name__ == "__main__":
    main(*sys.argv[1:])
