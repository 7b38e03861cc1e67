using Mdl.Runtime.Generation;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Generation;

public sealed class SessionPoolTests
{
    private static readonly int[] Prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];

    private static SamplingOptions Sampling(int sequence, int tokens = 20) =>
        new() { Temperature = 0.9, TopK = 6, RepetitionPenalty = 1.2, RepetitionWindow = 5, Seed = 7, Sequence = (ulong)sequence, MaxTokens = tokens };

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(128)]
    public void Texts_are_those_of_a_generator(int chunk)
    {
        using var model = BigramModel.Create(1);
        using var generator = new Generator(model, 40);
        using var pool = model.CreateSessions(3, 40, chunk);
        var sessions = Enumerable.Range(0, 3).Select(i => pool.Open(Prompt.AsSpan(0, 2 + (4 * i)), Sampling(i, 10 + i))).ToArray();
        while (pool.Step())
        {
        }

        for (var i = 0; i < 3; i++)
        {
            var expected = new int[40];
            var count = generator.Generate(Prompt.AsSpan(0, 2 + (4 * i)), expected, Sampling(i, 10 + i));
            Assert.Equal(expected[..count], sessions[i].Continuation.ToArray());
            Assert.Equal(StopReason.MaxTokens, sessions[i].StopReason);
        }
    }

    [Fact]
    public void A_long_prompt_does_not_stall_others()
    {
        using var model = BigramModel.Create(1);
        using var pool = model.CreateSessions(2, 200, chunk: 4);
        var quick = pool.Open(Prompt.AsSpan(0, 1), SamplingOptions.Greedy);
        var slow = pool.Open([.. Enumerable.Range(0, 40).Select(i => i % 12)], SamplingOptions.Greedy);
        for (var step = 1; step < 10; step++)
        {
            pool.Step();
            Assert.Equal(step, quick.Continuation.Length);
            Assert.Equal(0, slow.Continuation.Length);
        }

        pool.Step();
        Assert.Equal(1, slow.Continuation.Length);
    }

    [Fact]
    public void Prompts_that_begin_alike_are_not_computed_again()
    {
        using var model = BigramModel.Create(1);
        using var pool = new SessionPool(model, 3, 60, shortestReuse: 4);
        var first = pool.Open(Prompt, Sampling(0, 5));
        while (pool.Step())
        {
        }

        int[] text = first.Tokens.ToArray();
        first.Dispose();

        // The same slot, whose cache ends before the last token drawn.
        var second = pool.Open([.. text, 7, 7], SamplingOptions.Greedy);
        Assert.Equal(0, second.Slot);
        Assert.Equal(text.Length - 1, second.ReusedTokens);
        pool.Step();

        // The slot is busy now: a copy. Of a prompt that is there entirely, the last token runs all the same.
        var third = pool.Open(text.AsSpan(0, 10), SamplingOptions.Greedy);
        Assert.NotEqual(second.Slot, third.Slot);
        Assert.Equal(9, third.ReusedTokens);
        Assert.Equal(text[..9], model.LastInference!.CacheOf(third.Slot));

        // Too little in common.
        var fourth = pool.Open([.. text[..3], 0, 0, 0], SamplingOptions.Greedy);
        Assert.Equal(0, fourth.ReusedTokens);
        Assert.Equal(text.Length - 1 + 9, pool.Statistics.ReusedTokens);
        Assert.Equal(4, pool.Statistics.Opened);
        pool.Step();
        Assert.Equal(model.LastInference.TokenCount, pool.Statistics.ComputedTokens);
        Assert.Equal(model.LastInference.RunCount, pool.Statistics.Steps);
    }

    [Fact]
    public void Cancelled_sessions_stop_and_can_still_be_read()
    {
        using var model = BigramModel.Create(1);
        using var pool = model.CreateSessions(2, 60);
        using var source = new CancellationTokenSource();
        var one = pool.Open(Prompt, SamplingOptions.Greedy, source.Token);
        var other = pool.Open(Prompt, SamplingOptions.Greedy);
        pool.Step();
        var thread = new Thread(source.Cancel);
        thread.Start();
        thread.Join();
        pool.Step();
        Assert.Equal(StopReason.Canceled, one.StopReason);
        Assert.Equal(StopReason.None, other.StopReason);
        Assert.Equal(1, one.Continuation.Length);
        Assert.Equal(2, other.Continuation.Length);
        Assert.True(one.TryRead(out var token));
        Assert.Equal(other.Continuation[0], token);
        Assert.False(one.TryRead(out _));
        other.Cancel();
        Assert.False(pool.Step());
        Assert.Equal(StopReason.Canceled, other.StopReason);
    }

    [Fact]
    public void Sessions_stop_at_their_limits()
    {
        using var model = BigramModel.Create(1);
        using var pool = model.CreateSessions(3, 16);
        var full = pool.Open(Prompt, SamplingOptions.Greedy);
        var none = pool.Open(Prompt, SamplingOptions.Greedy with { MaxTokens = 0 });
        var stopped = pool.Open(Prompt, SamplingOptions.Greedy with { StopTokens = [.. Enumerable.Range(0, BigramModel.Vocabulary)] });
        while (pool.Step())
        {
        }

        Assert.Equal((StopReason.Capacity, 16), (full.StopReason, full.Tokens.Length));
        Assert.Equal((StopReason.MaxTokens, 12), (none.StopReason, none.Tokens.Length));
        Assert.Equal((StopReason.StopToken, 12), (stopped.StopReason, stopped.Tokens.Length));
    }

    [Fact]
    public void Slots_are_taken_and_freed()
    {
        using var model = BigramModel.Create(1);
        using var pool = model.CreateSessions(2, 20);
        var one = pool.Open(Prompt, SamplingOptions.Greedy);
        pool.Open(Prompt, SamplingOptions.Greedy);
        Assert.False(pool.TryOpen(Prompt, SamplingOptions.Greedy, out _));
        Assert.Throws<InvalidOperationException>(() => pool.Open(Prompt, SamplingOptions.Greedy));
        one.Dispose();
        one.Dispose();
        Assert.Equal(1, pool.OpenSessions);
        Assert.Throws<InvalidOperationException>(() => one.Tokens.Length);
        var next = pool.Open(Prompt, SamplingOptions.Greedy);
        Assert.Equal(one.Slot, next.Slot);
        Assert.NotEqual(one, next);
        Assert.Throws<InvalidOperationException>(() => one.StopReason);
    }

    [Fact]
    public void Refuses_bad_prompts_and_sizes()
    {
        using var model = BigramModel.Create(1);
        using var pool = model.CreateSessions(1, 12);
        Assert.Throws<ArgumentException>(() => pool.Open([], SamplingOptions.Greedy));
        Assert.Throws<ArgumentException>(() => pool.Open(Prompt, SamplingOptions.Greedy));
        Assert.ThrowsAny<ArgumentException>(() => pool.Open([BigramModel.Vocabulary], SamplingOptions.Greedy));
        Assert.Throws<ArgumentException>(() => pool.Open([1], new() { Temperature = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSessions(0, 12));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSessions(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSessions(1, 12, 0));
        Assert.Equal(0, pool.OpenSessions);
    }
}
