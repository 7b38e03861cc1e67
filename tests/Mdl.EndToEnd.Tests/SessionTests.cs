using Mdl.Runtime.Devices;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>Sessions side by side say what each says alone.</summary>
public sealed class SessionTests
{
    /// <summary>Sparse, dense, and one with a sliding window, sinks and a table of 32 positions.</summary>
    public static TheoryData<string, int> Chunks => new()
    {
        { "LingTiny", 1 }, { "LingTiny", 3 }, { "LingTiny", 64 }, { "LingDeep", 5 }, { "DenseSmall", 1 }, { "DenseSmall", 7 }, { "DenseSmall", 64 },
        { "SwitchDropless", 2 }, { "SwitchDropless", 64 },
    };

    [Theory]
    [MemberData(nameof(Chunks))]
    public void Sessions_of_different_lengths_say_what_each_says_alone(string name, int chunk)
    {
        using var model = TestModels.Randomized(name, 5);
        using var pool = model.CreateSessions(4, 32, chunk);
        int[] lengths = [3, 17, 1, 9, 20, 6];
        var expected = lengths.Select((length, i) => model.Generate(Prompt(model, i, length), 8)).ToArray();
        var open = new List<(int Text, Session Session)>();
        var next = 0;
        while (next < lengths.Length || open.Count > 0)
        {
            // A new one each step, as long as there are slots.
            if (next < lengths.Length && pool.TryOpen(Prompt(model, next, lengths[next]), SamplingOptions.Greedy with { MaxTokens = 8 }, out var opened))
            {
                open.Add((next++, opened));
            }

            pool.Step();
            foreach (var (text, session) in open.Where(s => s.Session.StopReason != StopReason.None).ToList())
            {
                Assert.Equal(expected[text], session.Continuation.ToArray());
                Assert.Equal(0, session.ReusedTokens);
                session.Dispose();
                open.Remove((text, session));
            }
        }
    }

    [Theory]
    [InlineData("LingTiny", CacheFormat.Single)]
    [InlineData("DenseSmall", CacheFormat.BFloat16)]
    [InlineData("SwitchDropless", CacheFormat.SByte)]
    public void Reused_prefixes_are_as_good_as_computed_ones(string name, CacheFormat format)
    {
        using var model = TestModels.Randomized(name, 6);
        var options = SamplingOptions.Greedy with { MaxTokens = 6 };
        var shared = Prompt(model, 1, 12);
        int[] second = [.. shared, 1, 2, 3], third = [.. shared, 3, 2];
        int[] Alone(int[] prompt)
        {
            using var fresh = model.CreateSessions(1, 32, 64, format);
            var session = fresh.Open(prompt, options);
            while (fresh.Step())
            {
            }

            Assert.Equal(0, session.ReusedTokens);
            return session.Continuation.ToArray();
        }

        using var pool = model.CreateSessions(3, 32, 64, format);
        using (var first = pool.Open(shared, options))
        {
            while (pool.Step())
            {
            }
        }

        // One goes on in the slot, the other with a copy of it.
        var inPlace = pool.Open(second, options);
        pool.Step();
        var copied = pool.Open(third, options);
        Assert.Equal((12, 12), (inPlace.ReusedTokens, copied.ReusedTokens));
        while (pool.Step())
        {
        }

        Assert.Equal(Alone(second), inPlace.Continuation.ToArray());
        Assert.Equal(Alone(third), copied.Continuation.ToArray());
    }

    [Fact]
    public void Memory_is_known_before_anything_is_allocated()
    {
        using var model = TestModels.Create("LingTiny");
        foreach (var format in Enum.GetValues<CacheFormat>())
        {
            using var pool = model.CreateSessions(5, 100, 20, format);
            Assert.Equal(Tiny.LingTiny.InferenceBytes(5, SessionPool.RowsOf(5, 20), 100, format), pool.MemoryBytes);
        }
    }

    [Fact]
    public void Any_number_of_threads_draws_the_same_tokens()
    {
        List<int[]>? expected = null;
        foreach (var threads in (int[])[1, 2, 3])
        {
            using var device = new Device(threads);
            using var model = TestModels.Randomized("LingTiny", 5, device);
            using var pool = model.CreateSessions(3, 32, 5);
            var options = new SamplingOptions { Temperature = 1, Seed = 3, MaxTokens = 10 };
            var sessions = Enumerable.Range(0, 3).Select(i => pool.Open(Prompt(model, i, 3 + (5 * i)), options with { Sequence = (ulong)i })).ToArray();
            while (pool.Step())
            {
            }

            List<int[]> texts = [.. sessions.Select(s => s.Continuation.ToArray())];
            expected ??= texts;
            Assert.Equal(expected, texts);
        }
    }

    private static int[] Prompt(LanguageModel model, int seed, int length) => TestModels.Tokens(model, length, 100 + seed);
}
