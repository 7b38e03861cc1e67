using static TorchSharp.torch.nn;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>Root mean square normalisation with a gain.</summary>
internal sealed class RmsNorm : Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.Parameter weight;

    public RmsNorm(int width) : base(nameof(RmsNorm))
    {
        weight = Parameter(ones(width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x * rsqrt(x.pow(2).mean([-1], keepdim: true) + 1e-6) * weight;
}
