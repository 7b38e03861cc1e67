using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class RoutingTests
{
    public static TheoryData<int, int, int, int, int, int> Selections => new()
    {
        // rows, n, count, groups, keep, groupTop
        { 1, 1, 1, 1, 1, 1 }, { 300, 32, 4, 8, 4, 2 }, { 130, 256, 8, 8, 4, 2 }, { 20, 9, 9, 1, 1, 1 }, { 20, 12, 3, 4, 1, 3 }, { 20, 12, 3, 4, 4, 2 },
        { 50, 33, 5, 11, 3, 1 }, { 129, 60, 2, 1, 1, 1 }, { 9, 128, 6, 64, 20, 2 }, { 9, 300, 6, 100, 40, 2 },
    };

    [Theory]
    [MemberData(nameof(Selections))]
    public void TopTakesTheLargestOfTheBestGroups(int rows, int n, int count, int groups, int keep, int groupTop)
    {
        var random = new Random(1);
        using var x = Draw.Normal(random, rows * n);
        for (var i = 0; i < x.Length; i++)
        {
            // Few values, so that ties are the rule; infinities, both zeros and not-a-number among them.
            var draw = random.Next(40);
            x.Data[i] = draw == 0 ? float.NaN : draw == 1 ? float.NegativeInfinity : draw == 2 ? -0f : MathF.Round(x[i] * 2);
        }

        foreach (var threads in new[] { 1, 3 })
        {
            using var team = new Team(threads);
            using var y = new Memory<int>(rows * count);
            Routing.Top(team, x.Data, y.Data, rows, n, count, groups, keep, groupTop);
            for (var row = 0; row < rows; row++)
            {
                var expected = Expected(x.Span.Slice(row * n, n).ToArray(), count, groups, keep, groupTop);
                Assert.Equal(expected, y.Span.Slice(row * count, count).ToArray());

                // The same selection as fused kernels call it, row by row.
                y.Span.Slice(row * count, count).Fill(-1);
                RowSelection.Top(x.Data + (row * n), y.Data + (row * count), n, count, groups, keep, groupTop);
                Assert.Equal(expected, y.Span.Slice(row * count, count).ToArray());
            }

            y.AssertGuardsIntact();
        }
    }

    public static TheoryData<int, int, int, double, string> Dispatches => new()
    {
        { 1, 1, 1, 0, "random" }, { 50, 4, 32, 0, "random" }, { 50, 4, 32, 1, "random" }, { 33, 3, 7, 0.5, "random" }, { 20, 2, 5, 0, "one" }, { 20, 2, 5, 1.25, "one" },
        { 20, 2, 9, 0, "few" }, { 20, 2, 9, 0.01, "few" }, { 7, 2, 3, 100, "random" },
    };

    [Theory]
    [MemberData(nameof(Dispatches))]
    public void DispatchSortsChoicesByExpertAndDropsWhatExceedsCapacity(int tokens, int slots, int experts, double factor, string kind)
    {
        var m = tokens * slots;
        using var team = new Team(2);
        using var choose = Draw.Integers(new Random(2), m, kind == "few" ? 3 : experts);
        if (kind == "one")
        {
            choose.Span.Fill(experts - 1);
        }

        using var choice = new Memory<int>(m);
        using var row = new Memory<int>(m);
        using var offsets = new Memory<int>(experts + 1);
        using var expert = new Memory<int>(m);
        using var load = new Memory<float>(experts);
        Routing.Dispatch(team, choose.Data, tokens, slots, experts, factor, choice.Data, row.Data, offsets.Data, expert.Data, load.Data);

        var capacity = factor > 0 ? (int)Math.Ceiling(factor * m / experts) : m;
        var chosen = choose.Span.ToArray();
        var kept = Enumerable.Range(0, experts).SelectMany(e => Enumerable.Range(0, m).Where(c => chosen[c] == e).Take(capacity)).ToArray();
        var rest = m - kept.Length;
        Assert.Equal(kept.Concat(Enumerable.Repeat(0, rest)), choice.Span.ToArray());
        Assert.Equal(Enumerable.Range(0, m).Select(c => Array.IndexOf(kept, c)), row.Span.ToArray());
        Assert.Equal(kept.Select(c => chosen[c]).Concat(Enumerable.Repeat(experts - 1, rest)), expert.Span.ToArray());
        Assert.Equal(Enumerable.Range(0, experts + 1).Select(e => kept.Count(c => chosen[c] < e)), offsets.Span.ToArray());
        Assert.Equal(Enumerable.Range(0, experts).Select(e => (float)chosen.Count(c => c == e)), load.Span.ToArray());
        foreach (var memory in new[] { choice, row, offsets, expert })
        {
            memory.AssertGuardsIntact();
        }

        load.AssertGuardsIntact();
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        var random = new Random(4);
        using var x = Draw.Normal(random, 400 * 32);
        using var a = new Memory<int>(1600);
        using var b = new Memory<int>(1600);
        using var c = new Memory<int>(1600);
        using var offsets = new Memory<int>(33);
        using var expert = new Memory<int>(1600);
        using var load = new Memory<float>(32);
        Assert.Equal(0, Garbage.Of(() =>
        {
            Routing.Top(team, x.Data, a.Data, 400, 32, 4, 8, 4, 2);
            Routing.Dispatch(team, a.Data, 400, 4, 32, 1.0, b.Data, c.Data, offsets.Data, expert.Data, load.Data);
        }));
    }

    private static int[] Expected(float[] x, int count, int groups, int keep, int groupTop)
    {
        var width = x.Length / groups;
        IEnumerable<int> Best(IEnumerable<int> of, Func<int, float> value, int most) =>
            of.OrderBy(i => float.IsNaN(value(i))).ThenByDescending(i => float.IsNaN(value(i)) ? 0 : value(i) + 0f).ThenBy(i => i).Take(most);
        float Score(int group) => Best(Enumerable.Range(group * width, width), i => x[i], groupTop).Aggregate(0f, (sum, i) => sum + x[i]);
        var kept = Best(Enumerable.Range(0, groups), Score, keep).ToHashSet();
        return [.. Best(Enumerable.Range(0, x.Length).Where(i => kept.Contains(i / width)), i => x[i], count)];
    }
}
