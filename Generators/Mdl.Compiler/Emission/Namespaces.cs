namespace Mdl.Compiler.Emission;

/// <summary>Names of namespaces in C#.</summary>
internal static class Namespaces
{
    /// <summary>A name with an '@' before each part that could be a keyword of C#: those are of small letters only.</summary>
    public static string Escape(string name) =>
        string.Join(".", name.Split('.').Select(part => part.All(c => c is >= 'a' and <= 'z') ? "@" + part : part));
}
