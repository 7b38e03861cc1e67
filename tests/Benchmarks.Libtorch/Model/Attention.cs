using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>Grouped-query attention with normalised queries and keys and rotary embedding of half of each head.</summary>
internal sealed class Attention : Module<Tensor, Tensor>
{
    private const double RotaryBase = 600_000;
    private readonly LingSizes _sizes;
    private readonly Module<Tensor, Tensor> qkv;
    private readonly Module<Tensor, Tensor> output;
    private readonly RmsNorm queryNorm;
    private readonly RmsNorm keyNorm;

    public Attention(LingSizes sizes) : base(nameof(Attention))
    {
        _sizes = sizes;
        qkv = Linear(sizes.Hidden, (sizes.Heads + (2 * sizes.KeyHeads)) * sizes.Head, hasBias: false);
        output = Linear(sizes.Heads * sizes.Head, sizes.Hidden, hasBias: false);
        queryNorm = new RmsNorm(sizes.Head);
        keyNorm = new RmsNorm(sizes.Head);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var (batch, length) = (x.shape[0], x.shape[1]);
        var (heads, keyHeads) = (_sizes.Heads, _sizes.KeyHeads);
        var parts = qkv.forward(x).view(batch, length, heads + (2 * keyHeads), _sizes.Head).transpose(1, 2);
        var q = Rotate(queryNorm.forward(parts.narrow(1, 0, heads)));
        var k = Rotate(keyNorm.forward(parts.narrow(1, heads, keyHeads))).repeat_interleave(heads / keyHeads, 1);
        var v = parts.narrow(1, heads + keyHeads, keyHeads).repeat_interleave(heads / keyHeads, 1);
        var y = F.scaled_dot_product_attention(q, k, v, is_casual: true);
        return output.forward(y.transpose(1, 2).reshape(batch, length, heads * _sizes.Head));
    }

    private static Tensor Rotate(Tensor x)
    {
        var (length, width) = (x.shape[2], x.shape[3]);
        var rotary = width / 2;
        var frequencies = pow(RotaryBase, -arange(0, rotary, 2, ScalarType.Float32) / rotary);
        var angles = outer(arange(length, ScalarType.Float32), frequencies);
        var cosines = cat([angles.cos(), angles.cos()], -1).to(x.dtype);
        var sines = cat([angles.sin(), angles.sin()], -1).to(x.dtype);
        var turned = x.narrow(3, 0, rotary);
        var swapped = cat([-turned.narrow(3, rotary / 2, rotary / 2), turned.narrow(3, 0, rotary / 2)], -1);
        return cat([(turned * cosines) + (swapped * sines), x.narrow(3, rotary, width - rotary)], -1);
    }
}
