using Mdl.Compiler.Evaluation;
using Mdl.Dsl;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Tests.Models;

/// <summary>What no logits show of a Ling router, beside formulas written out here: loads, the centred update of the bias, the z-loss; and the sum that is the loss.</summary>
public class LingBalanceTests
{
    private const int Vocabulary = 13, Width = 6, Experts = 8, Active = 3, Groups = 4, Keep = 2, Batch = 2, Time = 9;
    private const double Rate = 0.01;

    private const string Probe =
        """

        model Probe(tokens: int[B, T]; vocab, width, experts, active, rate) {
            let embed = Embedding(vocab, width);
            let moe   = LingMoe(experts, active, 4, rate);
            h = embed(tokens);
            return logits = moe(h) @ embed.weight';
            mtp depth 1, weight 0.3 { return (h + embed(next)) @ embed.weight'; }
        }
        preset P of Probe { vocab: 13; width: 6; experts: 8; active: 3; rate: 0.01; }
        """;

    // Where as many loads are above the mean as below it, the centring shows nothing.
    [Fact]
    public void Loads_bias_and_losses_follow_the_formulas() => Assert.Contains(Enumerable.Range(1, 6).Select(Check).ToList(), mean => mean != 0);

    /// <returns>The mean of the signs that the update centres.</returns>
    private static double Check(int seed)
    {
        var text = File.ReadAllText(LingModels.DataPath("ling.mdl")).Replace("groups: 8, keep: 4", "groups: 4, keep: 2", StringComparison.Ordinal) + Probe;
        var model = Binder.Bind(new SourceText("ling.mdl", text), _ => null).Models.Single(m => m.ClassName == "ProbeP");
        var random = new Random(seed);
        var weights = model.Parameters.ToDictionary(
            p => p.Key, p => NDArray.Build(p.TensorShape.Select(d => (int)d.Constant).ToEquatableArray(), _ => (random.NextDouble() - 0.5) * (p.IsState ? 0.3 : 2)));
        var tokens = Enumerable.Range(0, Batch * (Time + 2)).Select(_ => random.Next(Vocabulary)).ToArray();
        var results = Evaluator.Run(
            model.Training.Graph, new Dictionary<string, long> { ["B"] = Batch, ["T"] = Time }, _ => new NDArray([Batch, Time + 2], [.. tokens.Select(t => (double)t)]), p => weights[p]);
        NDArray Result(OutputKind kind, string name) => results[model.Training.Outputs.ToList().FindIndex(o => o.Kind == kind && o.Name == name)];

        var (bias, loads, squares) = (weights["moe.router.bias"].Data, new double[Experts], 0.0);
        for (var row = 0; row < Batch * Time; row++)
        {
            var token = tokens[(row / Time * (Time + 2)) + (row % Time)];
            var logits = Enumerable.Range(0, Experts).Select(e => Enumerable.Range(0, Width).Sum(
                d => weights["embed.weight"].Data[(token * Width) + d] * weights["moe.router.weight"].Data[(e * Width) + d])).ToArray();
            squares += Math.Pow(Math.Log(logits.Sum(Math.Exp)), 2);

            // The groups whose two best experts have the largest sum, then the best experts of these.
            var scores = logits.Select((z, e) => (1 / (1 + Math.Exp(-z))) + bias[e]).ToArray();
            var best = scores.Chunk(Experts / Groups).Select((g, i) => (Sum: g.OrderDescending().Take(2).Sum(), i)).OrderDescending().Take(Keep).Select(g => g.i).ToHashSet();
            foreach (var e in Enumerable.Range(0, Experts).Where(e => best.Contains(e / (Experts / Groups))).OrderByDescending(e => scores[e]).Take(Active))
            {
                loads[e]++;
            }
        }

        Assert.Equal(loads, Result(OutputKind.Load, "moe").Data);
        var signs = loads.Select(load => (double)Math.Sign(loads.Average() - load)).ToArray();
        var next = Result(OutputKind.State, "moe.router.bias").Data;
        Assert.All(Enumerable.Range(0, Experts), e => Assert.Equal(bias[e] + (Rate * (signs[e] - signs.Average())), next[e], 1e-14));

        var aux = Result(OutputKind.Metric, "aux").Scalar;
        Assert.Equal(3.5e-6 * squares / (Batch * Time), aux, 1e-16);
        Assert.Equal(
            Result(OutputKind.Metric, "nll").Scalar + (0.3 * Result(OutputKind.Metric, "mtp").Scalar) + aux, Result(OutputKind.Loss, "loss").Scalar, 1e-13);
        return signs.Average();
    }
}
