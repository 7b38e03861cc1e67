using System.Globalization;
using System.Text;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the parameters as a tree of types that follows the names of the source: <c>model.Parameters.Layers[2].Attention.Qkv</c>.</summary>
internal static class ParameterTreeEmitter
{
    private sealed class Branch(string type, string property, int repeats, int firstIndex)
    {
        public string Type { get; } = type;

        public string Property { get; } = property;

        public int Repeats { get; } = repeats;

        public int FirstIndex { get; } = firstIndex;

        public SortedDictionary<string, Branch> Children { get; } = new(StringComparer.Ordinal);

        public List<(string Property, int Index, BoundParameter Parameter)> Leaves { get; } = [];
    }

    public static void Write(CodeWriter code, BoundModel model, WeightLayout layout)
    {
        var root = new Branch("ParameterTree", "Parameters", 0, 0);
        for (var i = 0; i < layout.Parameters.Count; i++)
        {
            Add(root, layout.Parameters[i], i);
        }

        WriteBranch(code, model, root, isRoot: true);
    }

    private static void Add(Branch root, BoundParameter parameter, int index)
    {
        var branch = root;
        var segments = parameter.Path.Split('.');
        foreach (var segment in segments.Take(segments.Length - 1))
        {
            var repeated = segment.Contains("{i}");
            var property = Pascal(segment.Replace("[{i}]", ""));
            // Two stacks of one name, such as dense and sparse layers, hold different parameters: the later one says where it starts.
            if (repeated && parameter.FirstIndex > 0)
            {
                property += "From" + parameter.FirstIndex.ToString(CultureInfo.InvariantCulture);
            }

            if (!branch.Children.TryGetValue(property, out var child))
            {
                var prefix = branch == root ? "" : branch.Type.Substring(0, branch.Type.Length - "Parameters".Length);
                child = new Branch(prefix + property + "Parameters", property, repeated ? parameter.Repeats : 0, parameter.FirstIndex);
                branch.Children[property] = child;
            }

            branch = child;
        }

        var name = Pascal(segments[segments.Length - 1]);
        while (branch.Leaves.Any(l => l.Property == name) || branch.Children.ContainsKey(name))
        {
            name += "_";
        }

        branch.Leaves.Add((name, index, parameter));
    }

    private static void WriteBranch(CodeWriter code, BoundModel model, Branch branch, bool isRoot)
    {
        code.Line();
        code.Line(isRoot ? "/// <summary>The parameters and states, by the names of the source.</summary>" : $"/// <summary>Parameters of <c>{branch.Property}</c>.</summary>");
        code.Open($"public readonly struct {branch.Type}");
        code.Line($"private readonly {model.ClassName} _model;");
        code.Line("private readonly int _instance;");
        code.Line();
        code.Open($"internal {branch.Type}({model.ClassName} model, int instance = 0)");
        code.Line("_model = model;");
        code.Line("_instance = instance;");
        code.Close();
        foreach (var (property, index, parameter) in branch.Leaves)
        {
            code.Line();
            var shape = $"[{string.Join(", ", parameter.Shape)}]";
            DocComment.Write(code, (parameter.Doc.Length > 0 ? parameter.Doc + "\n" : "") + $"{shape}{(parameter.IsState ? ", a state" : "")}, from {parameter.Origin.Path}:{parameter.Origin.Line}.");
            code.Line($"public Tensor {property} => _model.GetTensor({index}{(parameter.Repeats > 0 ? ", _instance" : "")});");
        }

        foreach (var child in branch.Children.Values)
        {
            code.Line();
            if (child.Repeats == 0)
            {
                code.Line($"/// <summary>Parameters of <c>{child.Property}</c>.</summary>");
                code.Line($"public {child.Type} {child.Property} => new(_model, _instance);");
            }
            else
            {
                code.Line($"/// <summary>{child.Repeats} repetitions; element 0 is number {child.FirstIndex} of the source.</summary>");
                code.Line($"public ParameterList<{child.Type}> {child.Property}");
                code.Line("{");
                code.Line("    get");
                code.Line("    {");
                code.Line("        var model = _model;");
                code.Line($"        return new({child.Repeats}, i => new(model, i));");
                code.Line("    }");
                code.Line("}");
            }
        }

        code.Close();
        foreach (var child in branch.Children.Values)
        {
            WriteBranch(code, model, child, isRoot: false);
        }
    }

    private static string Pascal(string name)
    {
        var text = new StringBuilder();
        var upper = true;
        foreach (var c in name)
        {
            if (!char.IsLetterOrDigit(c))
            {
                upper = true;
                continue;
            }

            text.Append(upper ? char.ToUpperInvariant(c) : c);
            upper = false;
        }

        return text.Length == 0 || char.IsDigit(text[0]) ? "P" + text : text.ToString();
    }
}
