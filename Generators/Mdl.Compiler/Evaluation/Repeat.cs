using System.Globalization;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray[] Repeat(Repeat o, NDArray[] inputs, Scope scope)
    {
        var carried = inputs.Take(o.Carried).ToArray();
        var stacks = new NDArray[o.Body.Outputs.Count - o.Carried];
        for (var step = 0; step < o.Count; step++)
        {
            var i = o.Reverse ? o.Count - 1 - step : step;
            var arguments = inputs.Select((x, k) => k < o.Carried ? carried[k] : k < o.Carried + o.Invariants ? x : x.Part(i)).ToArray();
            var yields = Evaluator.Run(
                o.Body,
                scope.Symbols,
                name => arguments[int.Parse(name.Substring(1), CultureInfo.InvariantCulture)],
                scope.Parameters,
                scope.PositionOffset);
            carried = yields.Take(o.Carried).ToArray();
            for (var r = 0; r < stacks.Length; r++)
            {
                var part = yields[o.Carried + r];
                stacks[r] ??= new NDArray([o.Count, .. part.Shape]);
                part.Data.CopyTo(stacks[r].Data, i * part.Data.Length);
            }
        }

        return [.. carried, .. stacks];
    }
}
