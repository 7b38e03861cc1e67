using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Models;

public sealed class TensorTests
{
    [Fact]
    public void Is_a_row_major_view_of_the_weights()
    {
        using var model = BigramModel.Create(1);
        var table = model.GetTensor(0);
        Assert.Equal([12, 12], table.Shape);
        Assert.Equal("[12, 12]", table.ToString());
        table[2, 3] = 42;
        Assert.Equal(42, table.AsSpan()[27]);
        var copy = new float[144];
        table.CopyTo(copy);
        Assert.Equal(42, copy[27]);
        copy[0] = 7;
        table.CopyFrom(copy);
        Assert.Equal(7, table[0, 0]);
    }

    [Fact]
    public void Refuses_wrong_coordinates_and_indices()
    {
        using var model = BigramModel.Create(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.GetTensor(0)[0, 12]);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.GetTensor(0)[-1, 0]);
        Assert.Throws<ArgumentException>(() => model.GetTensor(0)[0]);
        Assert.Throws<ArgumentException>(() => model.GetTensor(0).CopyFrom(new float[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.GetTensor(1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.GetTensor(3));
    }
}
