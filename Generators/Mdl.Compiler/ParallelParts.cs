using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Mdl.Compiler;

/// <summary>Runs independent parts of the work on the threads that are free. The results stand in the order of the parts, whichever is done first.</summary>
internal static class ParallelParts
{
    /// <param name="parts">Parts begin in this order.</param>
    /// <param name="memory">Makes what a part works in; parts that run one after the other share it.</param>
    /// <exception cref="Exception">What a part threw; no part begins after that.</exception>
    public static TResult[] Run<TMemory, TResult>(IReadOnlyList<Func<TMemory, TResult>> parts, Func<TMemory> memory)
    {
        var results = new TResult[parts.Count];
        var free = new ConcurrentBag<TMemory>();
        ExceptionDispatchInfo? failure = null;
        var begun = -1;
        Parallel.For(0, parts.Count, _ =>
        {
            // The loop's own numbers come in ranges, not in order.
            var part = Interlocked.Increment(ref begun);
            if (Volatile.Read(ref failure) is not null)
            {
                return;
            }

            var own = free.TryTake(out var taken) ? taken : memory();
            try
            {
                results[part] = parts[part](own);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            }

            free.Add(own);
        });
        failure?.Throw();
        return results;
    }
}
