using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Tests.Devices;

public sealed unsafe class TeamTests
{
    public static TheoryData<int> Threads => [1, 2, 3, 7];

    [Theory]
    [MemberData(nameof(Threads))]
    public void EveryChunkRunsOnce(int threads)
    {
        using var team = new Team(threads);
        foreach (var chunks in new[] { 0, 1, 2, 3, 5, 64, 1000 })
        {
            var counts = new int[chunks + 1];
            fixed (int* p = counts)
            {
                team.Run(&Count, p, chunks);
            }

            Assert.All(counts[..chunks], count => Assert.Equal(1, count));
            Assert.Equal(0, counts[chunks]);
        }
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void ManyLaunchesNeitherLoseNorRepeatChunks(int threads)
    {
        using var team = new Team(threads);
        const int Chunks = 17;
        const int Launches = 20_000;
        var counts = new int[Chunks];
        fixed (int* p = counts)
        {
            for (var i = 0; i < Launches; i++)
            {
                team.Run(&Count, p, 1 + (i % Chunks));
                if (i % 1000 == 0)
                {
                    // Long enough for the workers to park.
                    Thread.Sleep(1);
                }
            }
        }

        for (var c = 0; c < Chunks; c++)
        {
            Assert.Equal(Enumerable.Range(0, Launches).Count(i => i % Chunks >= c), counts[c]);
        }
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void WorkersAreNumberedBelowThreads(int threads)
    {
        using var team = new Team(threads);
        var seen = new int[threads];
        fixed (int* p = seen)
        {
            team.Run(&Mark, p, 200);
        }

        Assert.Equal(200, seen.Sum());
    }

    [Fact]
    public void ALaunchAllocatesNothing()
    {
        using var team = new Team(2);
        var counts = new int[8];
        fixed (int* p = counts)
        {
            team.Run(&Count, p, 8);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                team.Run(&Count, p, 8);
            }

            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void AnExceptionReachesTheCallerAndTheTeamGoesOn(int threads)
    {
        using var team = new Team(threads);
        for (var i = 0; i < 50; i++)
        {
            var error = Assert.Throws<FormatException>(() => team.Run(&Fail, null, 20));
            Assert.Equal("chunk 13", error.Message);
        }

        var counts = new int[20];
        fixed (int* p = counts)
        {
            team.Run(&Count, p, 20);
        }

        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void ALaunchFromABodyIsAnError(int threads)
    {
        using var team = new Team(threads);
        foreach (var chunks in new[] { 1, 100 })
        {
            // The body gets the team through a pointer to the local variable, which stays in place while the launch runs.
            var local = team;
            Assert.Throws<InvalidOperationException>(() => team.Run(&Nest, System.Runtime.CompilerServices.Unsafe.AsPointer(ref local), chunks));
        }
    }

    [Fact]
    public void LaunchesOfSeveralThreadsRunOneAfterTheOther()
    {
        using var team = new Team(3);
        var counts = new int[64];
        fixed (int* pinned = counts)
        {
            var p = pinned;
            var callers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                for (var i = 0; i < 2000; i++)
                {
                    team.Run(&Count, p, 64);
                }
            })).ToArray();
            Array.ForEach(callers, c => c.Start());
            Array.ForEach(callers, c => c.Join());
        }

        Assert.All(counts, count => Assert.Equal(8000, count));
    }

    [Fact]
    public void ScratchIsAlignedGrowsAndIsKept()
    {
        using var team = new Team(2);
        var first = (nint)team.Scratch(1, 100);
        Assert.Equal(0, first % 64);
        Assert.Equal(first, (nint)team.Scratch(1, 50));
        Assert.NotEqual(first, (nint)team.Scratch(0, 100));
        var big = (byte*)team.Scratch(1, 1 << 22);
        Assert.Equal(0, (nint)big % 64);
        big[(1 << 22) - 1] = 1;
    }

    [Fact]
    public void DisposingTwiceIsFineAndRunningAfterwardsIsNot()
    {
        var team = new Team(3);
        team.Run(&Nothing, null, 10);
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(&Nothing, null, 10));
    }

    // What a worker does that finished an earlier launch, lost its processor, and only now sees that the caller sleeps, in another launch.
    [Fact]
    public void AnAnswerToAnEarlierLaunchDoesNotEndALaunch()
    {
        using var team = new Team(2);
        var counts = new int[2];
        fixed (int* p = counts)
        {
            for (var i = 1; i <= 10; i++)
            {
                team.AnswerEarlierLaunch();
                team.Run(&CountLate, p, 2);
                Assert.Equal([i, i], counts);
            }
        }
    }

    private static void CountLate(void* arguments, int chunk, int worker)
    {
        if (worker > 0)
        {
            // Longer than the caller waits awake.
            Thread.Sleep(20);
        }
        else
        {
            // Leaves the other chunk to the worker.
            Thread.Sleep(5);
        }

        Count(arguments, chunk, worker);
    }

    private static void Nothing(void* arguments, int chunk, int worker)
    {
    }

    private static void Count(void* arguments, int chunk, int worker) => Interlocked.Increment(ref ((int*)arguments)[chunk]);

    private static void Mark(void* arguments, int chunk, int worker) => ((int*)arguments)[worker]++;

    private static void Fail(void* arguments, int chunk, int worker)
    {
        if (chunk == 13)
        {
            throw new FormatException("chunk 13");
        }
    }

    private static void Nest(void* arguments, int chunk, int worker) =>
        System.Runtime.CompilerServices.Unsafe.AsRef<Team>(arguments).Run(&Nothing, null, 2);
}
