using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray[] Dispatch(Dispatch o, NDArray choose)
    {
        var rows = choose.Data.Length;
        var capacity = o.CapacityFactor > 0 ? (int)Math.Ceiling(o.CapacityFactor * rows / o.Experts) : rows;
        NDArray choice = new([rows]), row = new([rows]), offsets = new([o.Experts + 1]), expert = new([rows]), load = new([o.Experts]);
        row.Data.AsSpan().Fill(-1);
        expert.Data.AsSpan().Fill(o.Experts - 1);
        var next = 0;
        for (var e = 0; e < o.Experts; e++)
        {
            var mine = Enumerable.Range(0, rows).Where(c => (int)choose.Data[c] == e).ToArray();
            load.Data[e] = mine.Length;
            foreach (var c in mine.Take(capacity))
            {
                choice.Data[next] = c;
                expert.Data[next] = e;
                row.Data[c] = next++;
            }

            offsets.Data[e + 1] = next;
        }

        return [choice, row, offsets, expert, load];
    }

    private static NDArray GatherRows(GatherRows o, NDArray x, NDArray choice) =>
        NDArray.Build([choice.Data.Length, x.Last], at => x.Data[(int)choice.Data[at[0]] / o.Slots * x.Last + at[1]]);

    private static NDArray CombineRows(CombineRows o, NDArray rows, NDArray row) => NDArray.Build([row.Data.Length / o.Slots, rows.Last], at =>
    {
        var sum = 0.0;
        for (var slot = 0; slot < o.Slots; slot++)
        {
            var r = (int)row.Data[at[0] * o.Slots + slot];
            sum += r < 0 ? 0 : rows.Data[r * rows.Last + at[1]];
        }

        return sum;
    });
}
