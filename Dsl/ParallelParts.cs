using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Mdl.Dsl;

/// <summary>Runs independent parts of the work on the threads that are free. The results stand in the order of the parts, whichever is done first.</summary>
public static class ParallelParts
{
    /// <param name="parts">Parts begin in this order.</param>
    /// <exception cref="Exception">What the first part to fail threw; no part begins after that.</exception>
    public static TResult[] Run<TResult>(IReadOnlyList<Func<TResult>> parts)
    {
        var results = new TResult[parts.Count];
        if (parts.Count == 1)
        {
            results[0] = parts[0]();
            return results;
        }

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

            try
            {
                results[part] = parts[part]();
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            }
        });
        failure?.Throw();
        return results;
    }

    /// <param name="parts">Parts begin in this order.</param>
    /// <param name="memory">Makes what a part works in; parts that run one after the other share it, and it is disposed of after the last one.</param>
    /// <exception cref="Exception">What the first part to fail threw; no part begins after that.</exception>
    public static TResult[] Run<TMemory, TResult>(IReadOnlyList<Func<TMemory, TResult>> parts, Func<TMemory> memory)
        where TMemory : IDisposable
    {
        var free = new ConcurrentBag<TMemory>();
        try
        {
            return Run([.. parts.Select(part => (Func<TResult>)(() =>
            {
                var own = free.TryTake(out var taken) ? taken : memory();
                try
                {
                    return part(own);
                }
                finally
                {
                    free.Add(own);
                }
            }))]);
        }
        finally
        {
            foreach (var own in free)
            {
                own.Dispose();
            }
        }
    }
}
