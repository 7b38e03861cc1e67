using System.Globalization;
using System.Text.RegularExpressions;

namespace Ling.Sample;

/// <summary>Names one layer of a repeated mixture of experts.</summary>
public static partial class LayerName
{
    /// <summary>The path of one row of loads: row 0 of <c>layers[1..3].ffn</c> is <c>layers[1].ffn</c>.</summary>
    public static string Of(string path, int row) =>
        Repetition().Replace(path, match => FormattableString.Invariant($"[{int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) + row}]"), 1);

    [GeneratedRegex(@"\[(\d+)\.\.\d+\]")]
    private static partial Regex Repetition();
}
