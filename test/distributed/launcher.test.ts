import { describe, expect, it } from 'vitest';
import { findLauncher, requireSameWorld } from '../../lib/distributed/launcher.js';

describe('findLauncher', () => {
  it('knows launchers by what they set', () => {
    expect(findLauncher({ PATH: '/bin', SLURM_NTASKS: '4' })).toBeNull();
    const open = findLauncher({ OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_SIZE: '2', PMIX_RANK: '0' });
    expect(open).toMatchObject({ name: "OpenMPI's mpirun", size: 4, localSize: 2 });
    expect(open!.libraries[0]).toContain('40');
    const mpich = findLauncher({ PMI_SIZE: '8', PMI_FD: '9', MPI_LOCALNRANKS: '4' });
    expect(mpich).toMatchObject({ name: "MPICH's mpirun", size: 8, localSize: 4 });
    expect(mpich!.libraries[0]).toContain('12');
    expect(findLauncher({ PMIX_RANK: '0', SLURM_NTASKS: '16' })).toMatchObject({ size: 16, localSize: null });
  });

  it('refuses a world of another size than was started', () => {
    const launcher = findLauncher({ OMPI_COMM_WORLD_SIZE: '2' });
    expect(() => requireSameWorld(launcher, 2, 'Open MPI')).not.toThrow();
    expect(() => requireSameWorld(null, 1, 'MPICH')).not.toThrow();
    expect(() => requireSameWorld(launcher, 1, 'MPICH Version: 4')).toThrow(
      "init: OpenMPI's mpirun started 2 ranks, but the library (MPICH Version: 4) knows of 1",
    );
  });
});
