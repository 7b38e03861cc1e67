using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class IndexingTests
{
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        // count, rows, width, indices used
        { 0, 3, 4, 3 }, { 1, 1, 1, 1 }, { 7, 5, 3, 5 }, { 100, 9, 65, 1 }, { 1000, 256, 256, 256 }, { 333, 40, 200, 20 }, { 50, 3000, 16, 3000 }, { 5, 4, 1200, 4 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void GradientSumsRowsOfOneIndex(int count, int rows, int width, int used)
    {
        var random = new Random(1);
        using var index = Draw.Integers(random, count, used);
        using var dy = Draw.Normal(random, count * width);
        using var dTable = new Memory<float>(rows * width);
        float[]? bits = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = new Team(threads);
            Indexing.GatherGradient(team, index.Data, dy.Data, dTable.Data, count, rows, width);
            var results = dTable.Span.ToArray();
            Assert.Equal(bits ??= results, results);
        }

        var sums = new double[rows * width];
        for (var i = 0; i < count; i++)
        {
            for (var x = 0; x < width; x++)
            {
                sums[(index[i] * width) + x] += dy[(i * width) + x];
            }
        }

        // Up to 100 terms of magnitude 1 in single precision.
        Close.Assert(sums, dTable.Span, 1e-5, "dTable");
        dTable.AssertGuardsIntact();
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        using var index = Draw.Integers(new Random(2), 500, 30);
        using var a = new Memory<float>(500 * 200);
        using var b = new Memory<float>(500 * 200);
        b.Span.Clear();
        Assert.Equal(0, Garbage.Of(() =>
        {
            Indexing.GatherGradient(team, index.Data, b.Data, a.Data, 500, 30, 200);
        }));
    }
}
