using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>What a short format costs each tensor, as lines of text.</summary>
public static class ErrorTable
{
    public static void Write(IReadOnlyList<WeightError> errors, TextWriter output)
    {
        var width = errors.Max(e => e.Path.Length);
        output.WriteLine("tensor".PadRight(width) + "  held as       relative error  largest error");
        foreach (var error in errors)
        {
            output.WriteLine(FormattableString.Invariant($"{error.Path.PadRight(width)}  {error.Format,-12}  {error.Relative,14:E2}  {error.Largest,13:E2}"));
        }
    }
}
