using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>Logits through the key/value cache are those of the whole sequence at once.</summary>
public sealed unsafe class CachedDecodeTests
{
    // The order of sums differs between one row and many (dot products here, tiles there), so f32 logits agree to a few roundings of sums
    // over at most a hundred terms, not to the bit. SwitchDropless has a window of 3 and sinks: most tokens have left it at length 13.
    private const double Tolerance = 1e-5;
    private const int Length = 13;

    [Fact]
    public void Models_that_mix_tokens_otherwise_refuse_a_cache()
    {
        // Attention spelled out in products: nothing that a cache could hold.
        using var model = TestModels.Randomized("OddOne", 1);
        using var program = model.CreateInferenceProgram(1, 4, 8);
        program.Run(4, 0, lastOnly: false);
        Assert.Contains("OddOne", Assert.Throws<NotSupportedException>(() => program.Run(4, 4, lastOnly: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sequences_longer_than_a_table_of_positions_are_refused()
    {
        using var model = TestModels.Randomized("SwitchDropless", 1);
        using var longest = model.CreateInferenceProgram(1, 4, 32);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateInferenceProgram(1, 4, 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateTrainingProgram(1, 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(new int[60]));
    }

    [Theory]
    [InlineData("LingTiny", 1)]
    [InlineData("LingTiny", 5)]
    [InlineData("LingDeep", 4)]
    [InlineData("DenseSmall", 1)]
    [InlineData("DenseSmall", 4)]
    [InlineData("SwitchDropless", 1)]
    [InlineData("SwitchDropless", 2)]
    [InlineData("SwitchDropless", 5)]
    public void Chunks_and_single_tokens_agree_with_the_whole_sequence(string name, int chunk)
    {
        using var model = TestModels.Randomized(name, 1);
        var tokens = TestModels.Tokens(model, Length, seed: chunk);
        var whole = model.Forward(tokens);
        using var program = model.CreateInferenceProgram(1, chunk, Length);
        var past = 0;
        foreach (var count in Counts(chunk))
        {
            CheckRun(program, [tokens], [whole], model.Info.Vocabulary, count, past, lastOnly: false);
            past += count;
        }
    }

    [Theory]
    [InlineData("LingTiny")]
    [InlineData("DenseSmall")]
    [InlineData("SwitchDropless")]
    public void Two_sequences_side_by_side_do_not_mix(string name)
    {
        using var model = TestModels.Randomized(name, 2);
        int[][] tokens = [TestModels.Tokens(model, Length, 1), TestModels.Tokens(model, Length, 2)];
        float[][] whole = [model.Forward(tokens[0]), model.Forward(tokens[1])];
        using var program = model.CreateInferenceProgram(2, 4, Length + 3);
        var past = 0;
        foreach (var count in Counts(4))
        {
            CheckRun(program, tokens, whole, model.Info.Vocabulary, count, past, lastOnly: false);
            CheckRun(program, tokens, whole, model.Info.Vocabulary, count, past, lastOnly: true);
            past += count;
        }
    }

    [Theory]
    [InlineData("LingTiny")]
    [InlineData("DenseSmall")]
    [InlineData("SwitchDropless")]
    public void Going_back_forgets_what_stood_after(string name)
    {
        const int Kept = 6;
        using var model = TestModels.Randomized(name, 3);
        var first = TestModels.Tokens(model, Length, 1);
        int[] second = [.. first[..Kept], .. TestModels.Tokens(model, Length - Kept, 2)];
        using var program = model.CreateInferenceProgram(1, Length, Length);
        CheckRun(program, [first], [model.Forward(first)], model.Info.Vocabulary, Length, 0, lastOnly: false);

        var whole = model.Forward(second);
        CheckRun(program, [second], [whole], model.Info.Vocabulary, 3, Kept, lastOnly: false);
        for (var past = Kept + 3; past < Length; past++)
        {
            CheckRun(program, [second], [whole], model.Info.Vocabulary, 1, past, lastOnly: true);
        }
    }

    [Fact]
    public void Greedy_generation_takes_the_likeliest_token_of_the_whole_sequence()
    {
        using var model = TestModels.Randomized("LingTiny", 4);
        var prompt = TestModels.Tokens(model, 7, 1);
        var continuation = model.Generate(prompt, 9);
        Assert.Equal(9, continuation.Length);
        List<int> text = [.. prompt];
        foreach (var token in continuation)
        {
            var logits = model.Forward([.. text]).AsSpan(^model.Info.Vocabulary..);
            // Among logits that differ by less than rounding either is the likeliest.
            Assert.True(logits[token] >= Largest(logits) - (Tolerance * 10), $"token {token} after {text.Count}");
            text.Add(token);
        }
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        var largest = values[0];
        foreach (var value in values)
        {
            largest = Math.Max(largest, value);
        }

        return largest;
    }

    // Half of the sequence in chunks, the rest token by token.
    private static IEnumerable<int> Counts(int chunk)
    {
        var past = 0;
        for (; past + chunk <= Length / 2; past += chunk)
        {
            yield return chunk;
        }

        for (; past < Length; past++)
        {
            yield return 1;
        }
    }

    private static void CheckRun(InferenceProgram program, int[][] tokens, float[][] whole, int vocabulary, int count, int past, bool lastOnly)
    {
        for (var sequence = 0; sequence < tokens.Length; sequence++)
        {
            tokens[sequence].AsSpan(past, count).CopyTo(new Span<int>(program.Tokens + (sequence * count), count));
        }

        program.Run(count, past, lastOnly);
        var rows = lastOnly ? 1 : count;
        var start = (past + count - rows) * vocabulary;
        for (var sequence = 0; sequence < tokens.Length; sequence++)
        {
            var actual = new ReadOnlySpan<float>(program.Logits + (sequence * rows * vocabulary), rows * vocabulary);
            double[] expected = [.. whole[sequence].AsSpan(start, rows * vocabulary).ToArray().Select(x => (double)x)];
            Reference.Close(expected, actual, Tolerance, $"sequence {sequence}, {count} tokens from {past}, logits");
        }
    }
}
