"""A Ray cluster of a head and two workers' nodes on this machine, in a process of its own.

Reads ``kill INDEX``, ``add`` and ``quit`` from stdin, a line each, and answers with a line; the first line
it writes is the cluster's address. A process can be part of one Ray only, and that of the tests is already.
"""

import sys

from ray.cluster_utils import Cluster

SIZE = {"object_store_memory": 100 * 2**20, "include_dashboard": False}


def main() -> None:
    # The head trains nothing: when the workers' nodes are gone, so is all that trains.
    cluster = Cluster(initialize_head=True, connect=False, head_node_args={"num_cpus": 0, **SIZE})
    try:
        nodes = [cluster.add_node(num_cpus=1, **SIZE) for _ in range(2)]
        print(cluster.address, flush=True)
        for line in sys.stdin:
            verb, *index = line.split()
            if verb == "quit":
                break
            if verb == "kill":
                cluster.remove_node(nodes[int(index[0])], allow_graceful=False)
            else:
                nodes.append(cluster.add_node(num_cpus=1, **SIZE))
            print(line.strip(), flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
