using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Models;

public sealed class WeightInitializerTests
{
    [Fact]
    public unsafe void Weights_depend_on_seed_and_path_only()
    {
        using var model = BigramModel.Create(9);
        var expected = new float[BigramModel.Vocabulary];
        Normal.Fill(new Philox(9, StableHash.Of("weights/layers[1].gain")), 0, 0.1f, expected);
        Assert.Equal(expected, model.GetTensor(1, 1).AsSpan().ToArray());
        Assert.All(model.GetTensor(2).AsSpan().ToArray(), v => Assert.Equal(0, v));

        using var device = new Device(3);
        using var other = new BigramModel(device);
        other.Initialize(9);
        Assert.Equal(Floats(model), Floats(other));
        other.Initialize(10);
        Assert.NotEqual(Floats(model), Floats(other));
    }

    [Fact]
    public void Hash_of_a_path_is_fnv_1a() => Assert.Equal(0x85944171F73967E8UL, StableHash.Of("foobar"));

    internal static unsafe float[] Floats(LanguageModel model) => new Span<float>(model.Weights, (int)model.Info.TotalSize).ToArray();
}
