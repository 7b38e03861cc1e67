using System.Globalization;

namespace Mdl.Benchmarks.Reports;

/// <summary>Rows as aligned text and as Markdown.</summary>
internal static class Table
{
    private static readonly string[] Head = ["what", "unit", "ours", "peer", "ratio", "of the limit", "target", "reached"];

    // The columns with numbers stand to the right.
    private static bool IsNumber(int column) => column is >= 2 and <= 5;

    public static string ToText(IReadOnlyList<Row> rows)
    {
        var lines = rows.Select(Cells).Prepend(Head).ToArray();
        var widths = Enumerable.Range(0, Head.Length).Select(c => lines.Max(line => line[c].Length)).ToArray();
        return string.Join('\n', lines.Select(line =>
            string.Join("  ", line.Select((cell, c) => IsNumber(c) ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]))).TrimEnd()));
    }

    public static string ToMarkdown(IReadOnlyList<Row> rows)
    {
        var rule = Enumerable.Range(0, Head.Length).Select(c => IsNumber(c) ? "---:" : "---").ToArray();
        return string.Join('\n', rows.Select(Cells).Prepend(rule).Prepend(Head).Select(line => $"| {string.Join(" | ", line)} |"));
    }

    private static string[] Cells(Row row) =>
    [
        row.What,
        row.Unit,
        Figure(row.Ours),
        row.Peer is { } peer ? Figure(peer) : "",
        row.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "",
        row.OfLimit is { } share ? share.ToString("0 %", CultureInfo.InvariantCulture) : "",
        row.Target,
        row.Reached switch { true => "yes", false => "no", null => "" },
    ];

    // Three or more digits, without a tail that is only noise.
    private static string Figure(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 100 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
