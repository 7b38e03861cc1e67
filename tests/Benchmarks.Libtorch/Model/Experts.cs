using static TorchSharp.torch.nn;

namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>
/// A mixture of experts with sigmoid scores, choice within the best groups and a shared expert. Tokens are sorted by expert, so that each expert
/// is three dense products, and put back in order: the quickest way that eager code has.
/// </summary>
internal sealed class Experts : Module<Tensor, Tensor>
{
    private const int Groups = 8;
    private const int KeptGroups = 4;
    private const double Scale = 2.5;
    private readonly LingSizes _sizes;
    private readonly TorchSharp.Modules.Parameter router;
    private readonly Tensor bias;
    private readonly TorchSharp.Modules.ModuleList<Module<Tensor, Tensor>> experts = [];
    private readonly SwiGlu shared;

    public Experts(LingSizes sizes) : base(nameof(Experts))
    {
        _sizes = sizes;
        router = Parameter(randn(sizes.Experts, sizes.Hidden) * 0.02);
        bias = zeros(sizes.Experts);
        register_buffer(nameof(bias), bias);
        for (var i = 0; i < sizes.Experts; i++)
        {
            experts.Add(new SwiGlu(sizes.Hidden, sizes.Width));
        }

        shared = new SwiGlu(sizes.Hidden, sizes.Width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        var x = input.view(-1, _sizes.Hidden);
        var scores = x.matmul(router.t()).sigmoid();
        var chosen = Choose(scores);
        var gates = scores.gather(1, chosen);
        gates = gates / (gates.sum(-1, keepdim: true) + 1e-20) * Scale;

        var expertOfRow = chosen.flatten();
        var order = expertOfRow.argsort();
        var counts = bincount(expertOfRow, minlength: _sizes.Experts).data<long>().ToArray();
        var rows = x.index_select(0, order.div(_sizes.Active, RoundingMode.trunc)).split(counts);
        var outputs = Enumerable.Range(0, _sizes.Experts).Where(e => counts[e] > 0).Select(e => experts[e].forward(rows[e])).ToList();
        var perSlot = cat(outputs).index_select(0, order.argsort()).view(-1, _sizes.Active, _sizes.Hidden);
        return ((perSlot * gates.unsqueeze(-1)).sum(1) + shared.forward(x)).view(input.shape);
    }

    // [tokens, active] expert numbers: the best experts of the groups whose two best experts have the highest sum.
    private Tensor Choose(Tensor scores)
    {
        using var _ = no_grad();
        var biased = scores + bias;
        var size = _sizes.Experts / Groups;
        var groupScores = biased.view(-1, Groups, size).topk(2, -1).values.sum(-1);
        var kept = groupScores.topk(KeptGroups, -1).indexes;
        var mask = zeros_like(groupScores).scatter(1, kept, ones_like(kept, groupScores.dtype))
            .unsqueeze(-1).expand(-1, Groups, size).reshape(-1, _sizes.Experts);
        return biased.masked_fill(mask == 0, float.NegativeInfinity).topk(_sizes.Active, -1).indexes;
    }
}
