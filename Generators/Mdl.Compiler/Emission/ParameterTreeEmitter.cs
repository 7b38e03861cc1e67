using System.Globalization;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the parameters as a tree of types that follows the names of the source: <c>model.Parameters.Layers[2].Attention.Qkv</c>.</summary>
internal static class ParameterTreeEmitter
{
    // What every struct inherits: properties of these names would hide it.
    private static readonly string[] Inherited = ["Equals", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"];

    private sealed class Branch(string key, string property, int repeats, int firstIndex, string doc)
    {
        public string Key { get; } = key;

        public string Type { get; set; } = "";

        public string Property { get; set; } = property;

        public int Repeats { get; } = repeats;

        public int FirstIndex { get; } = firstIndex;

        /// <summary>What the source says of the block, or "".</summary>
        public string Doc { get; } = doc;

        public List<Branch> Children { get; } = [];

        public List<(string Property, int Index, BoundParameter Parameter)> Leaves { get; } = [];
    }

    public static void Write(CodeWriter code, BoundModel model, WeightLayout layout)
    {
        var root = new Branch("", "", 0, 0, "");
        var docs = model.BlockDocs.ToDictionary(d => d.Key, d => d.Doc, StringComparer.Ordinal);
        for (var i = 0; i < layout.Parameters.Count; i++)
        {
            Add(root, layout.Parameters[i], i, docs);
        }

        Name(root, "", "ParameterTree", [model.ClassName]);
        WriteBranch(code, model, root, isRoot: true);
    }

    private static void Add(Branch root, BoundParameter parameter, int index, Dictionary<string, string> docs)
    {
        var branch = root;
        var segments = parameter.Path.Split('.');
        var path = "";
        foreach (var segment in segments.Take(segments.Length - 1))
        {
            path += (path.Length > 0 ? "." : "") + segment;
            var repeated = segment.Contains("{i}");
            var property = Naming.Pascal(segment.Replace("[{i}]", ""), "P");
            // Two stacks of one name, such as dense and sparse layers, hold different parameters: the later one says where it starts.
            if (repeated && parameter.FirstIndex > 0)
            {
                property += "From" + parameter.FirstIndex.ToString(CultureInfo.InvariantCulture);
            }

            var key = repeated ? segment + parameter.FirstIndex.ToString(CultureInfo.InvariantCulture) : segment;
            var child = branch.Children.Find(c => c.Key == key);
            if (child is null)
            {
                child = new Branch(
                    key, property, repeated ? parameter.Repeats : 0, parameter.FirstIndex,
                    docs.TryGetValue(BoundModel.BlockKey(path, parameter.FirstIndex), out var doc) ? doc : "");
                branch.Children.Add(child);
            }

            branch = child;
        }

        branch.Leaves.Add((Naming.Pascal(segments[segments.Length - 1], "P"), index, parameter));
    }

    // Names that differ in the source may meet in C#: a_norm and the norm of a both make ANorm. The later one gets an underscore.
    private static void Name(Branch branch, string prefix, string type, HashSet<string> types)
    {
        branch.Type = Unique(type, types);
        var members = new HashSet<string>(Inherited, StringComparer.Ordinal) { branch.Type };
        for (var i = 0; i < branch.Leaves.Count; i++)
        {
            var (property, index, parameter) = branch.Leaves[i];
            branch.Leaves[i] = (Unique(property, members), index, parameter);
        }

        branch.Children.Sort((a, b) => string.CompareOrdinal(a.Property, b.Property) is var order && order != 0 ? order : string.CompareOrdinal(a.Key, b.Key));
        foreach (var child in branch.Children)
        {
            child.Property = Unique(child.Property, members);
            Name(child, prefix + child.Property, prefix + child.Property + "Parameters", types);
        }
    }

    private static string Unique(string name, HashSet<string> taken)
    {
        while (!taken.Add(name))
        {
            name += "_";
        }

        return name;
    }

    private static void WriteBranch(CodeWriter code, BoundModel model, Branch branch, bool isRoot)
    {
        code.Line();
        if (isRoot || branch.Doc.Length == 0)
        {
            code.Line(isRoot ? "/// <summary>The parameters and states, by the names of the source.</summary>" : $"/// <summary>Parameters of <c>{branch.Property}</c>.</summary>");
        }
        else
        {
            DocComment.Write(code, branch.Doc);
        }

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

        foreach (var child in branch.Children)
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
        foreach (var child in branch.Children)
        {
            WriteBranch(code, model, child, isRoot: false);
        }
    }
}
