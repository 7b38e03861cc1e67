using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>The language model with one depth of multi-token prediction.</summary>
internal sealed class Ling : Module
{
    private readonly LingSizes _sizes;
    private readonly Module<Tensor, Tensor> embed;
    private readonly Module<Tensor, Tensor> head;
    private readonly TorchSharp.Modules.ModuleList<Module<Tensor, Tensor>> layers = [];
    private readonly RmsNorm norm;
    private readonly RmsNorm mtpEmbedNorm;
    private readonly RmsNorm mtpHiddenNorm;
    private readonly RmsNorm mtpFinalNorm;
    private readonly Module<Tensor, Tensor> mtpProject;
    private readonly Layer mtpLayer;

    public Ling(LingSizes sizes) : base(nameof(Ling))
    {
        _sizes = sizes;
        embed = Embedding(sizes.Vocabulary, sizes.Hidden);
        head = Linear(sizes.Hidden, sizes.Vocabulary, hasBias: false);
        for (var i = 0; i < sizes.Layers; i++)
        {
            layers.Add(new Layer(sizes, i < sizes.Dense ? new SwiGlu(sizes.Hidden, sizes.Ffn) : new Experts(sizes)));
        }

        norm = new RmsNorm(sizes.Hidden);
        mtpEmbedNorm = new RmsNorm(sizes.Hidden);
        mtpHiddenNorm = new RmsNorm(sizes.Hidden);
        mtpFinalNorm = new RmsNorm(sizes.Hidden);
        mtpProject = Linear(2 * sizes.Hidden, sizes.Hidden, hasBias: false);
        mtpLayer = new Layer(sizes, new Experts(sizes));
        RegisterComponents();
    }

    /// <summary>The loss of tokens [batch, length + 2]: next token plus a tenth of the token after it.</summary>
    public Tensor Loss(Tensor tokens)
    {
        var length = tokens.shape[1] - 2;
        var h = embed.forward(tokens.narrow(1, 0, length));
        foreach (var layer in layers)
        {
            h = layer.forward(h);
        }

        var next = CrossEntropy(norm.forward(h), tokens.narrow(1, 1, length));
        var both = cat([mtpEmbedNorm.forward(embed.forward(tokens.narrow(1, 1, length))), mtpHiddenNorm.forward(h)], -1);
        var afterNext = CrossEntropy(mtpFinalNorm.forward(mtpLayer.forward(mtpProject.forward(both))), tokens.narrow(1, 2, length));
        return next + (0.1 * afterNext);
    }

    private Tensor CrossEntropy(Tensor h, Tensor targets) =>
        F.cross_entropy(head.forward(h).view(-1, _sizes.Vocabulary), targets.reshape(-1));
}
