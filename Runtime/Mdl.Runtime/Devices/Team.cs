using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Devices;

/// <summary>
/// A persistent team of worker threads. A launch hands out chunks of work dynamically; since each chunk's work depends only on its number,
/// results do not depend on the number of threads. Launching allocates nothing. Launches from several threads run one after the other.
/// </summary>
public sealed unsafe class Team : IDisposable
{
    // Long enough that the launches of a training step find the workers awake, even if one thread has been slower than the others for a while;
    // short enough that an idle process burns nothing. After the first part a waiting thread lets others run that wait for its processor.
    private const double SpinSeconds = 40e-6;
    private const double YieldSeconds = 2e-3;

    private readonly Lazy<MicroKernels?> _pairKernels;
    private readonly Lazy<MicroKernels?> _byteKernels;
    private readonly Lazy<ByteBlockKernels?> _byteBlocks;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private readonly Thread[] _workers;
    private readonly TeamScratch _scratch;
    private readonly long _yieldTicks = (long)(YieldSeconds * Stopwatch.Frequency);
    private readonly long _spinTicks = (long)(SpinSeconds * Stopwatch.Frequency);

    private delegate*<void*, int, int, void> _body;
    private void* _arguments;
    private int _chunks;
    private bool _running;
    private bool _stopped;
    private Exception? _failure;
    private LaunchState _state;

    /// <summary>Starts a team with the micro-kernels that the environment asks for.</summary>
    public Team(int threads) : this(threads, KernelModes.FromEnvironment())
    {
    }

    /// <summary>Starts a team. The calling thread takes part, so <c>threads - 1</c> workers are started.</summary>
    public Team(int threads, KernelMode kernels) : this(threads, MicroKernels.Create(kernels), shortFormatsAtAnySpeed: kernels == KernelMode.Assembled)
    {
    }

    /// <summary>Starts a team that owns the given micro-kernels.</summary>
    internal Team(int threads, MicroKernels kernels, bool shortFormatsAtAnySpeed = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        Kernels = kernels;
        _pairKernels = new(() => ShortFormatKernels.TryCreate(kernels, ElementFormat.BFloat16, shortFormatsAtAnySpeed));
        _byteKernels = new(() => ShortFormatKernels.TryCreate(kernels, ElementFormat.SByte, shortFormatsAtAnySpeed));
        _byteBlocks = new(() => _byteKernels.Value is null ? null : new ByteBlockKernels());
        _scratch = new TeamScratch(threads + 2);
        _workers = new Thread[threads - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"Mdl worker {worker}" };
            _workers[i].Start();
        }
    }

    /// <summary>The number of threads that share a launch, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Bytes of scratch memory that kernels have taken so far.</summary>
    public long ScratchBytes => _scratch.Bytes;

    /// <summary>The inner kernels of contractions.</summary>
    internal MicroKernels Kernels { get; }

    /// <summary>
    /// The inner kernels that multiply operands in a format. Where the processor has no bfloat16 products, or has them slower than single
    /// precision (some do), those in single precision take over, which are more precise; where it has no byte products there are none.
    /// </summary>
    internal MicroKernels? KernelsFor(ElementFormat format) => format switch
    {
        ElementFormat.Single => Kernels,
        ElementFormat.BFloat16 => _pairKernels.Value ?? Kernels,
        _ => _byteKernels.Value,
    };

    /// <summary>The inner kernels that multiply blocks of bytes with scales; null where the processor has no byte products.</summary>
    internal ByteBlockKernels? ByteBlocks => _byteBlocks.Value;

    /// <summary>
    /// Calls <c>body(arguments, chunk, worker)</c> once for each chunk in 0 .. chunks - 1 and returns when all are done. Worker is below
    /// <see cref="Threads"/> and names the thread's scratch memory. After an exception in a body the chunks not yet begun are skipped and the
    /// exception is rethrown here.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from a body that runs on this team.</exception>
    /// <exception cref="ObjectDisposedException">The team has been disposed.</exception>
    public void Run(delegate*<void*, int, int, void> body, void* arguments, int chunks)
    {
        Enter();
        _running = true;
        try
        {
            if (chunks == 1 || _workers.Length == 0)
            {
                for (var chunk = 0; chunk < chunks; chunk++)
                {
                    body(arguments, chunk, 0);
                }
            }
            else if (chunks > 1)
            {
                Launch(body, arguments, chunks);
            }
        }
        finally
        {
            _running = false;
            _gate.Exit();
        }
    }

    /// <summary>
    /// At least <paramref name="bytes"/> bytes of 64-byte aligned memory that only this worker uses during a launch; kept between launches.
    /// Asking for more than before moves the memory and forgets its contents: ask once per chunk, for everything.
    /// </summary>
    public void* Scratch(int worker, long bytes) => _scratch.Get(worker, bytes);

    /// <summary>Like <see cref="Scratch"/>, but for the thread that launches, to fill by one launch and read by the next.</summary>
    internal void* SharedScratch(long bytes) => _scratch.Get(Threads, bytes);

    /// <summary>Like <see cref="SharedScratch"/>, but only for the packed operand of a plain product: who calls it may be using the former.</summary>
    internal void* PackedScratch(long bytes) => _scratch.Get(Threads + 1, bytes);

    /// <summary>
    /// Keeps other threads from launching until the scope ends. Whoever takes scratch memory outside a launch needs it: another thread's launch
    /// in between would overwrite or move the memory.
    /// </summary>
    internal Lock.Scope Hold()
    {
        Enter();
        try
        {
            return _gate.EnterScope();
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>For tests: what <see cref="WaitForStragglers"/> must bear.</summary>
    internal void AnswerEarlierLaunch() => _done.Release();

    /// <summary>Stops the workers and frees the scratch memory.</summary>
    /// <exception cref="InvalidOperationException">Called from a body that runs on this team.</exception>
    public void Dispose()
    {
        if (Volatile.Read(ref _stopped))
        {
            return;
        }

        Enter();
        try
        {
            Volatile.Write(ref _stopped, true);
            if (_workers.Length > 0)
            {
                _wake.Release(_workers.Length);
            }
        }
        finally
        {
            _gate.Exit();
        }

        foreach (var worker in _workers)
        {
            worker.Join();
        }

        _scratch.Dispose();
        Kernels.Dispose();
        if (_byteBlocks.IsValueCreated)
        {
            _byteBlocks.Value?.Dispose();
        }

        foreach (var kernels in new[] { _pairKernels, _byteKernels })
        {
            if (kernels.IsValueCreated)
            {
                kernels.Value?.Dispose();
            }
        }

        _wake.Dispose();
        _done.Dispose();
    }

    // The lock is recursive for the launching thread, so a launch from its own body shows as a running launch behind an open gate;
    // a worker that launches finds the gate closed and is told from a foreign thread by its identity.
    private void Enter()
    {
        if (!_gate.TryEnter())
        {
            if (Array.IndexOf(_workers, Thread.CurrentThread) >= 0)
            {
                throw Nested();
            }

            _gate.Enter();
        }

        if (_running || _stopped)
        {
            var error = _running ? Nested() : new ObjectDisposedException(nameof(Team));
            _gate.Exit();
            throw error;
        }
    }

    private static InvalidOperationException Nested() => new("A body that runs on a team cannot launch on the same team.");

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Launch(delegate*<void*, int, int, void> body, void* arguments, int chunks)
    {
        _body = body;
        _arguments = arguments;
        _chunks = chunks;
        Volatile.Write(ref _state.Unfinished, chunks);

        // Whoever takes a number >= 0 from Remaining owns a chunk of this launch, which cannot end before that chunk is counted as finished.
        // So a worker that comes late, even from an earlier launch, always reads the body and the arguments that belong to its chunk.
        Interlocked.Exchange(ref _state.Remaining, chunks);
        WakeSleepers(Math.Min(chunks - 1, _workers.Length));
        TakeChunks(0);
        WaitForStragglers();
        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void WakeSleepers(int wanted)
    {
        var sleeping = Volatile.Read(ref _state.Sleeping);
        while (sleeping > 0)
        {
            var count = Math.Min(sleeping, wanted);
            var seen = Interlocked.CompareExchange(ref _state.Sleeping, sleeping - count, sleeping);
            if (seen == sleeping)
            {
                _wake.Release(count);
                return;
            }

            sleeping = seen;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeChunks(int worker)
    {
        var finished = 0;
        while (Volatile.Read(ref _state.Remaining) > 0)
        {
            var left = Interlocked.Decrement(ref _state.Remaining);
            if (left < 0)
            {
                break;
            }

            finished++;
            try
            {
                if (_failure is null)
                {
                    _body(_arguments, _chunks - 1 - left, worker);
                }
            }
#pragma warning disable CA1031 // Launch rethrows it on the launching thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
        }

        if (finished > 0
            && Interlocked.Add(ref _state.Unfinished, -finished) == 0
            && Interlocked.Exchange(ref _state.CallerSleeps, 0) == 1)
        {
            _done.Release();
        }
    }

    private void WaitForStragglers()
    {
        while (!SpinUntil(ref _state.Unfinished, positive: false))
        {
            Interlocked.Exchange(ref _state.CallerSleeps, 1);
            if (Volatile.Read(ref _state.Unfinished) == 0 && Interlocked.Exchange(ref _state.CallerSleeps, 0) == 1)
            {
                return;
            }

            // A worker that finished an earlier launch, and lost its processor before it looked whether the caller sleeps, may answer only now: so waking
            // says that it is time to look again, no more.
            _done.Wait();
        }
    }

    private void Work(int worker)
    {
        while (true)
        {
            if (!SpinUntil(ref _state.Remaining, positive: true) && !Sleep())
            {
                return;
            }

            TakeChunks(worker);
        }
    }

    // Returns false when the number has not become positive (or else zero) within the spinning time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool SpinUntil(ref int number, bool positive)
    {
        var start = 0L;
        while (true)
        {
            for (var i = 0; i < 8; i++)
            {
                if (Volatile.Read(ref number) > 0 == positive)
                {
                    return true;
                }

                if (X86Base.IsSupported)
                {
                    X86Base.Pause();
                }
                else
                {
                    Thread.SpinWait(1);
                }
            }

            var now = Stopwatch.GetTimestamp();
            if (start == 0)
            {
                start = now;
            }
            else if (now - start > _yieldTicks)
            {
                return false;
            }
            else if (now - start > _spinTicks)
            {
                Thread.Yield();
            }
        }
    }

    // Returns false when the team is stopped.
    private bool Sleep()
    {
        Interlocked.Increment(ref _state.Sleeping);
        if (Volatile.Read(ref _state.Remaining) > 0)
        {
            // Work came in between: take the announcement back, unless a launch has already answered it.
            var sleeping = Volatile.Read(ref _state.Sleeping);
            while (sleeping > 0)
            {
                var seen = Interlocked.CompareExchange(ref _state.Sleeping, sleeping - 1, sleeping);
                if (seen == sleeping)
                {
                    return true;
                }

                sleeping = seen;
            }
        }

        _wake.Wait();
        return !Volatile.Read(ref _stopped);
    }

    // Each number on its own pair of cache lines: they are written by different threads at the same time.
    [StructLayout(LayoutKind.Explicit, Size = 512)]
    private struct LaunchState
    {
        [FieldOffset(0)]
        public int Sleeping;

        [FieldOffset(128)]
        public int Remaining;

        [FieldOffset(256)]
        public int Unfinished;

        [FieldOffset(384)]
        public int CallerSleeps;
    }
}
