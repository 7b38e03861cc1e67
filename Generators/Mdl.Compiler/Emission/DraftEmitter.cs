using System.Globalization;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>What models and their programs say about prediction of several tokens ahead: nothing for a model without an mtp block.</summary>
internal static class DraftEmitter
{
    private const string Parameters = "int slots, int rows, int capacity, CacheFormat format";

    /// <summary>The class of the program of a depth.</summary>
    public static string Program(int depth) => "Draft" + (depth + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>The members of a model's class by which the runtime makes the programs.</summary>
    public static void Members(CodeWriter code, BoundModel model)
    {
        var drafts = model.Drafts;
        if (drafts.Problem is { } problem)
        {
            code.Line("/// <inheritdoc/>");
            code.Line($"public override DraftInfo Drafts {{ get; }} = new([], 0, false, {ModelEmitter.Quoted(problem)});");
            code.Line();
        }

        if (drafts.Depths.Count == 0)
        {
            return;
        }

        var widths = string.Join(", ", CarriedTensor.Of(drafts).Select(c => Number(c.Width)));
        code.Line("/// <inheritdoc/>");
        code.Line($"public override DraftInfo Drafts {{ get; }} = new([{widths}], {Number(drafts.Depths.Count)}, {(drafts.Chains ? "true" : "false")}, null);");
        code.Line();
        code.Line("/// <inheritdoc/>");
        code.Open($"protected override InferenceProgram? NewDraft(int depth, {Parameters})");
        code.Line("InferenceProgram? program = null;");
        code.Open("switch (depth)");
        for (var k = 0; k < drafts.Depths.Count; k++)
        {
            code.Line($"case {Number(k + 1)}: New{Program(k)}(slots, rows, capacity, format, ref program!); break;");
        }

        code.Close();
        code.Line("return program;");
        code.Close();
        code.Line();
        code.Line("/// <inheritdoc/>");
        code.Open($"public override long DraftBytes(int depth, {Parameters})");
        code.Line("long bytes = 0;");
        code.Open("switch (depth)");
        for (var k = 0; k < drafts.Depths.Count; k++)
        {
            code.Line($"case {Number(k + 1)}: Describe{Program(k)}(slots, rows, capacity, format, ref bytes); break;");
        }

        code.Close();
        code.Line("return bytes;");
        code.Close();
        code.Line();
    }

    public static void Partials(CodeWriter code, BoundModel model)
    {
        for (var k = 0; k < model.Drafts.Depths.Count; k++)
        {
            code.Line();
            code.Line($"static partial void Describe{Program(k)}({Parameters}, ref long bytes);");
            code.Line();
            code.Line($"partial void New{Program(k)}({Parameters}, ref InferenceProgram program);");
        }
    }

    /// <summary>The last argument of the base class: words that a program is given for each token.</summary>
    public static string GivenWidth(InferencePlan plan) => plan.Given.Count == 0 ? "" : ", " + Number(plan.Given.Sum(g => g.Width));

    public static void Fields(CodeWriter code, InferencePlan plan)
    {
        foreach (var given in plan.Given)
        {
            code.Line($"private readonly {(given.Element == ElementType.I32 ? "int*" : "float*")} {given.Field};");
        }
    }

    public static void Locate(CodeWriter code, InferencePlan plan)
    {
        long before = 0;
        foreach (var given in plan.Given)
        {
            code.Line($"{given.Field} = {(given.Element == ElementType.I32 ? "(int*)" : "")}(GivenRows + ({Number(before)}L * rows));");
            before += given.Width;
        }
    }

    /// <summary>The methods that tell where the rows are.</summary>
    public static void Rows(CodeWriter code, InferencePlan plan)
    {
        Method("Given", plan.Given.Select(g => g.Field));
        Method("Carried", plan.Carried.Select(Of));

        void Method(string name, IEnumerable<string> places)
        {
            var all = places.ToList();
            if (all.Count > 0)
            {
                var cases = string.Join(", ", all.Select((place, i) => $"{Number(i)} => (float*){place}"));
                code.Line($"public override float* {name}(int index) => index switch {{ {cases}, _ => throw new ArgumentOutOfRangeException(nameof(index)) }};");
            }
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
