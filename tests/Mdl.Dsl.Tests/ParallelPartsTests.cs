using Xunit;

namespace Mdl.Dsl.Tests;

public class ParallelPartsTests
{
    [Fact]
    public void Results_stand_in_the_order_of_the_parts()
    {
        // The first part ends last.
        using var others = new CountdownEvent(3);
        var parts = Enumerable.Range(0, 4).Select(i => (Func<int>)(() =>
        {
            if (i == 0)
            {
                others.Wait(TimeSpan.FromSeconds(1));
            }
            else
            {
                others.Signal();
            }

            return i * i;
        })).ToArray();
        Assert.Equal([0, 1, 4, 9], ParallelParts.Run(parts));
    }

    [Fact]
    public void The_failure_of_a_part_comes_out_as_it_was_thrown_and_no_part_begins_after_it()
    {
        const int Parts = 1000;
        var begun = 0;
        var parts = Enumerable.Range(0, Parts).Select(i => (Func<int>)(() =>
        {
            Interlocked.Increment(ref begun);
            return i == 0 ? throw new InvalidDataException("the first") : Slow(i);
        })).ToArray();
        Assert.Equal("the first", Assert.Throws<InvalidDataException>(() => ParallelParts.Run(parts)).Message);
        Assert.InRange(begun, 1, Parts - 1);

        static int Slow(int value)
        {
            Thread.Sleep(1);
            return value;
        }
    }

    [Fact]
    public void Cancellation_is_no_failure_of_another_kind()
    {
        using var cancellation = new CancellationTokenSource();
        Func<int>[] parts =
        [
            () => 1,
            () =>
            {
                cancellation.Cancel();
                cancellation.Token.ThrowIfCancellationRequested();
                return 2;
            },
            () => 3,
        ];
        Assert.Equal(cancellation.Token, Assert.Throws<OperationCanceledException>(() => ParallelParts.Run(parts)).CancellationToken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_two_parts_hold_one_memory_at_a_time_and_all_of_it_is_disposed_of(bool fails)
    {
        var all = new List<Memory>();
        var parts = Enumerable.Range(0, 20).Select(i => (Func<Memory, int>)(memory =>
        {
            Assert.Equal(1, Interlocked.Increment(ref memory.Holders));
            Thread.Sleep(1);
            Interlocked.Decrement(ref memory.Holders);
            return fails && i == 10 ? throw new InvalidDataException() : i;
        })).ToArray();
        var failure = Record.Exception(() => ParallelParts.Run(parts, () =>
        {
            var made = new Memory();
            lock (all)
            {
                all.Add(made);
            }

            return made;
        }));
        Assert.Equal(fails, failure is InvalidDataException);
        Assert.NotEmpty(all);
        Assert.All(all, memory => Assert.Equal(1, memory.Disposals));
    }

    private sealed class Memory : IDisposable
    {
        public int Holders;

        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }
}
