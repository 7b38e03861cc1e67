using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>A gated feed-forward network.</summary>
internal sealed class SwiGlu : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> gate;
    private readonly Module<Tensor, Tensor> up;
    private readonly Module<Tensor, Tensor> down;

    public SwiGlu(int width, int hidden) : base(nameof(SwiGlu))
    {
        gate = Linear(width, hidden, hasBias: false);
        up = Linear(width, hidden, hasBias: false);
        down = Linear(hidden, width, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => down.forward(F.silu(gate.forward(x)) * up.forward(x));
}
