using static TorchSharp.torch.nn;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>Attention and a feed-forward part, each normalised before and added after.</summary>
internal sealed class Layer : Module<Tensor, Tensor>
{
    private readonly RmsNorm attentionNorm;
    private readonly Attention attention;
    private readonly RmsNorm ffnNorm;
    private readonly Module<Tensor, Tensor> ffn;

    public Layer(LingSizes sizes, Module<Tensor, Tensor> ffn) : base(nameof(Layer))
    {
        attentionNorm = new RmsNorm(sizes.Hidden);
        attention = new Attention(sizes);
        ffnNorm = new RmsNorm(sizes.Hidden);
        this.ffn = ffn;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var h = x + attention.forward(attentionNorm.forward(x));
        return h + ffn.forward(ffnNorm.forward(h));
    }
}
