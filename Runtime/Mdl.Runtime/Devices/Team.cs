using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Devices;

/// <summary>
/// A persistent team of worker threads. A launch hands out chunks of work dynamically; since each chunk's work depends only on its number,
/// results do not depend on the number of threads. Launching allocates nothing.
/// </summary>
public sealed unsafe class Team : IDisposable
{
    /// <summary>Starts a team. The calling thread takes part, so <c>threads - 1</c> workers are started.</summary>
    public Team(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
    }

    /// <summary>The number of threads that share a launch, the caller included.</summary>
    public int Threads { get; }

    /// <summary>
    /// Calls <c>body(arguments, chunk, worker)</c> once for each chunk in 0 .. chunks - 1 and returns when all are done. Worker is below
    /// <see cref="Threads"/> and names the thread's scratch memory. An exception in a body is rethrown here.
    /// </summary>
    public void Run(delegate*<void*, int, int, void> body, void* arguments, int chunks)
    {
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            body(arguments, chunk, 0);
        }
    }

    /// <summary>At least <paramref name="bytes"/> bytes of 64-byte aligned memory that only this worker uses during a launch; kept between launches.</summary>
    public void* Scratch(int worker, long bytes) => throw new NotImplementedException();

    /// <summary>Stops the workers and frees the scratch memory.</summary>
    public void Dispose()
    {
    }
}
