using Mdl.Runtime.Generation;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Tests.Generation;

public sealed class SamplerTests
{
    private static readonly SamplingOptions[] Filters =
    [
        new(),
        new() { Temperature = 0.5 },
        new() { TopK = 1 },
        new() { TopK = 3 },
        new() { TopK = 500, TopP = 0.8 },
        new() { TopK = 90, TopP = 0.97, MinP = 0.02 },
        new() { TopP = 0.1 },
        new() { TopP = 0.6 },
        new() { TopP = 0.999 },
        new() { MinP = 0.3 },
        new() { RepetitionPenalty = 1.5, Temperature = 1.3 },
        new() { RepetitionPenalty = 2, TopP = 0.7, MinP = 0.05, Temperature = 0.8 },
    ];

    /// <summary>An own, slow statement of what the options mean: the probability of each token.</summary>
    private static double[] Distribution(float[] logits, int[] occurrences, SamplingOptions options)
    {
        var scaled = logits.Select((x, i) =>
            (occurrences[i] == 0 ? x : x > 0 ? x / options.RepetitionPenalty : x * options.RepetitionPenalty) / options.Temperature).ToArray();
        var p = scaled.Select(x => Math.Exp(x - scaled.Max())).ToArray();
        var ranked = Enumerable.Range(0, p.Length).OrderByDescending(i => (float)p[i]).ThenBy(i => i).ToList();
        ranked = [.. ranked.Take(options.TopK == 0 ? p.Length : options.TopK)];
        var total = ranked.Sum(i => p[i]);
        double sum = 0;
        ranked = [.. ranked.TakeWhile(i =>
        {
            var more = options.TopP >= 1 || sum < options.TopP * total;
            sum += p[i];
            return more;
        })];
        ranked = [.. ranked.Where(i => p[i] >= options.MinP * p.Max())];
        total = ranked.Sum(i => p[i]);
        return [.. p.Select((x, i) => ranked.Contains(i) ? x / total : 0)];
    }

    [Theory]
    [InlineData(5)]
    [InlineData(60)]
    [InlineData(300)]
    public void Draws_by_all_filters_follow_their_definition(int vocabulary)
    {
        var logits = new float[vocabulary];
        Normal.Fill(new Philox(1, (ulong)vocabulary), 0, 2, logits);
        logits[vocabulary - 1] = logits[0];
        var occurrences = new int[vocabulary];
        occurrences[1] = 1;
        occurrences[3] = 2;
        var sampler = new Sampler(vocabulary);
        foreach (var options in Filters)
        {
            const int Draws = 20_000;
            var expected = Distribution(logits, occurrences, options);
            var counts = new double[vocabulary];
            for (var i = 0; i < Draws; i++)
            {
                // An even grid of uniform numbers instead of random ones: each token's count is its share, up to the grid's ends.
                counts[sampler.Draw(logits, occurrences, options, (i + 0.5) / Draws)]++;
            }

            for (var i = 0; i < vocabulary; i++)
            {
                // One grid point for each end of the token's interval, and f32 rounding of weights over the whole grid (20000 * 6e-8 * few).
                Assert.True(Math.Abs(counts[i] - (Draws * expected[i])) <= 1.05, $"{options}: token {i}: {counts[i]} of {Draws * expected[i]}");
            }
        }
    }

    [Fact]
    public void Zero_temperature_takes_the_first_of_the_likeliest() =>
        Assert.Equal(1, new Sampler(4).Draw([1, 3, 3, 2], [0, 0, 0, 0], SamplingOptions.Greedy, 0.99));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_no_numbers_are_an_error(float poison)
    {
        for (var place = 0; place < 3; place++)
        {
            float[] logits = [1, 2, 3];
            logits[place] = poison;
            var exception = Assert.Throws<InvalidOperationException>(() => new Sampler(3).Draw(logits, [0, 0, 0], new SamplingOptions(), 0.5));
            Assert.Contains($"The logit of token {place} is", exception.Message);
        }
    }
}
