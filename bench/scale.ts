/** How large the experiments are. `quick` is a tenth of `full`, to see within a minute that nothing has got worse. */
export interface Scale {
  runs: number;
  /** Nodes of the rollouts, and how many are worked on at once. */
  rollout: { nodes: number; concurrency: number };
  fleet: { small: Fleet; large: Fleet };
  /** Run files, with as many reports. */
  repository: { small: number; large: number };
  validate: number;
  decide: number[];
}

export interface Fleet {
  nodes: number;
  pods: number;
  concurrency: number;
}

export const FULL: Scale = {
  runs: 5,
  rollout: { nodes: 1000, concurrency: 100 },
  fleet: {
    small: { nodes: 500, pods: 100, concurrency: 50 },
    large: { nodes: 5000, pods: 100_000, concurrency: 500 },
  },
  repository: { small: 1000, large: 100_000 },
  validate: 10_000,
  decide: [100, 1000, 5000],
};

export const QUICK: Scale = {
  runs: 1,
  rollout: { nodes: 100, concurrency: 20 },
  fleet: {
    small: { nodes: 50, pods: 10, concurrency: 10 },
    large: { nodes: 500, pods: 10_000, concurrency: 100 },
  },
  repository: { small: 1000, large: 10_000 },
  validate: 1000,
  decide: [100, 500],
};

/** As small as it can be: to see that the benchmarks themselves still work. */
export const TINY: Scale = {
  runs: 1,
  rollout: { nodes: 6, concurrency: 3 },
  fleet: {
    small: { nodes: 3, pods: 5, concurrency: 3 },
    large: { nodes: 12, pods: 20, concurrency: 3 },
  },
  repository: { small: 10, large: 40 },
  validate: 10,
  decide: [10, 20],
};
