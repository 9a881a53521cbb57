import { NablaError } from '../errors.js';

/** What started this process as one of several ranks. */
export interface Launcher {
  readonly name: string;
  /** How many ranks it started; null where it does not say. */
  readonly size: number | null;
  /** How many of them are on this machine; null where it does not say. */
  readonly localSize: number | null;
  /** The files that the library of its kind has, in order of preference. */
  readonly libraries: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const isMac = process.platform === 'darwin';
const OPEN_MPI = isMac ? ['libmpi.40.dylib', 'libmpi.dylib'] : ['libmpi.so.40', 'libmpi.so'];
const MPICH = isMac ? ['libmpi.12.dylib', 'libpmpi.12.dylib'] : ['libmpich.so.12', 'libmpi.so.12'];

interface Kind {
  readonly name: string;
  /** What it sets in the environment of the ranks that it starts. */
  readonly sign: string;
  readonly size: string;
  readonly localSize: string;
  readonly libraries: readonly string[];
}

/** In the order in which they are looked for: mpirun sets its own beside those of the Slurm job that it runs in. */
const KINDS: readonly Kind[] = [
  {
    name: "OpenMPI's mpirun",
    sign: 'OMPI_COMM_WORLD_SIZE',
    size: 'OMPI_COMM_WORLD_SIZE',
    localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
    libraries: OPEN_MPI,
  },
  { name: "MPICH's mpirun", sign: 'PMI_SIZE', size: 'PMI_SIZE', localSize: 'MPI_LOCALNRANKS', libraries: MPICH },
  // What srun starts a process as: --mpi=pmix is what OpenMPI speaks, --mpi=pmi2 what MPICH does.
  {
    name: 'srun --mpi=pmix',
    sign: 'PMIX_RANK',
    size: 'SLURM_NTASKS',
    localSize: 'SLURM_NTASKS_PER_NODE',
    libraries: [...OPEN_MPI, ...MPICH],
  },
  {
    name: 'srun --mpi=pmi2',
    sign: 'PMI_FD',
    size: 'SLURM_NTASKS',
    localSize: 'SLURM_NTASKS_PER_NODE',
    libraries: [...MPICH, ...OPEN_MPI],
  },
];

const countIn = (environment: Environment, name: string): number | null => {
  const count = Number.parseInt(environment[name] ?? '', 10);
  return count > 0 ? count : null;
};

/** What started this process, by the variables that it sets; null for a process by itself. */
export function findLauncher(environment: Environment): Launcher | null {
  const kind = KINDS.find(({ sign }) => environment[sign] !== undefined);
  if (kind === undefined) return null;
  const { name, libraries } = kind;
  const [size, localSize] = [countIn(environment, kind.size), countIn(environment, kind.localSize)];
  return { name, size, localSize, libraries };
}

/** Under a launcher of another kind a library finds no others, and every process believes to be alone. */
export function requireSameWorld(launcher: Launcher | null, size: number, library: string): void {
  if (launcher === null || launcher.size === null || launcher.size === size) return;
  throw new NablaError(
    `init: ${launcher.name} started ${launcher.size} ranks, but the library (${library}) knows of ${size}: they are of different kinds; ` +
      'start the program with the mpirun of that library, or give init the library of the launcher: init({ library })',
    'ERR_NABLA_DISTRIBUTED',
  );
}
