/** How large the experiments are, the smaller sizes for the growth. */
export interface Scale {
  runs: number;
  /** Nodes of the rollouts, and how many are worked on at once. */
  rollout: { nodes: number; concurrency: number }[];
  /** With the megabytes the agent may take. */
  fleet: (Fleet & { memory: number })[];
  /** Run files, with as many reports. */
  repository: number[];
  validate: number[];
  decide: number[];
}

export interface Fleet {
  nodes: number;
  pods: number;
  concurrency: number;
}

export const FULL: Scale = {
  runs: 5,
  rollout: [
    { nodes: 250, concurrency: 50 },
    { nodes: 1000, concurrency: 100 },
    { nodes: 5000, concurrency: 500 },
  ],
  fleet: [
    { nodes: 500, pods: 100, concurrency: 50, memory: 130 },
    { nodes: 5000, pods: 100_000, concurrency: 500, memory: 220 },
  ],
  repository: [1000, 10_000, 100_000],
  validate: [1000, 10_000],
  decide: [100, 1000, 5000, 20_000],
};

/** A tenth, to see within a minute that nothing has got worse. Of the rollouts a fifth: fixed costs outweigh less. */
export const QUICK: Scale = {
  runs: 1,
  rollout: [{ nodes: 200, concurrency: 50 }],
  fleet: [{ nodes: 500, pods: 10_000, concurrency: 100, memory: 220 }],
  repository: [1000, 10_000],
  validate: [1000],
  decide: [100, 500],
};

/** As small as it can be: to see that the benchmarks themselves still work. */
export const TINY: Scale = {
  runs: 1,
  rollout: [{ nodes: 6, concurrency: 3 }],
  fleet: [
    { nodes: 6, pods: 5, concurrency: 2, memory: 130 },
    { nodes: 12, pods: 20, concurrency: 3, memory: 220 },
  ],
  repository: [10, 40],
  validate: [10],
  decide: [10, 20],
};
